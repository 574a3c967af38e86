"""Tasks come twice, late and in the wrong order, to workers that do not know of each other."""

import random

from ingest.tasks import INDEX, Queue, create_celery
from tests.cluster import until
from tests.faults.installation import Installation


def test_each_event_twice_and_out_of_order(installation: Installation) -> None:
    cluster, api = installation.cluster, installation.api
    other = cluster.worker()
    until(lambda: "ready" in other.log())
    task = create_celery(cluster.settings, lambda keys: None).tasks[INDEX]
    shuffled = random.Random(7)
    with installation.under_load("every event twice more") as load:
        for turn in range(2):
            ids = [
                api.put(
                    installation.space, f"twice/{n}.md", f"# Page {n}\n\nTurn {turn} of page {n}. " + "It is long. " * n
                )
                for n in range(8)
            ]
            ids += [document.id for document in load.documents if document.id]
            for id_ in shuffled.sample(ids * 2, 2 * len(ids)):
                queue = shuffled.choice((Queue.INTERACTIVE, Queue.BULK))
                task.apply_async(args=[[["document", id_]]], queue=queue)
        # One of the workers is asked to stop with its hands full.
        assert other.stop() == 0
        # Some that are of no event any more, and of no document at all.
        task.apply_async(args=[[["document", "no-such-document"], ["document", ids[0]]]], queue=Queue.BULK)
    assert api.found("Turn 1 of page 7", "keyword")[0] == "Page 7"
