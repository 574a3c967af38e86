"""Teams and projects, their members, and invitations. Teams and projects have the same routes; the actions of each
are named after it: `teams_list`, `projects_list`."""

from ui_gradio.actions.calls import Action, action


def _of(kind: str) -> tuple[Action, ...]:
    one = f"/{kind}/{{id}}"
    member = f"{one}/members/{{user_id}}"
    return (
        action(f"{kind}_list", "GET", f"/{kind}", query=("q", "archived", "cursor", "limit")),
        action(f"{kind}_create", "POST", f"/{kind}", body=("name", "description", "team_id")),
        action(f"{kind}_one", "GET", one),
        action(f"{kind}_change", "PATCH", one, body=("name", "description", "team_id")),
        action(f"{kind}_delete", "DELETE", one),
        action(f"{kind}_archive", "POST", f"{one}/archive"),
        action(f"{kind}_restore", "POST", f"{one}/restore"),
        action(f"{kind}_transfer", "POST", f"{one}/transfer", body=("user_id",)),
        action(f"{kind}_members", "GET", f"{one}/members", query=("cursor",)),
        action(f"{kind}_set_member", "PUT", member, body=("role",)),
        action(f"{kind}_remove_member", "DELETE", member),
    )


ACTIONS: tuple[Action, ...] = (
    *_of("teams"),
    *_of("projects"),
    action("people", "GET", "/users", query=("q", "role", "state", "cursor", "limit")),
    action("invitations", "GET", "/invitations", query=("space_id", "cursor")),
    action("invite", "POST", "/invitations", body=("email", "role", "space_id", "space_role")),
    action("revoke_invitation", "DELETE", "/invitations/{id}"),
)
