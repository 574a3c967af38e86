"""What administrators do: people's accounts, the audit log, undelivered mail."""

from ui_gradio.actions.calls import Action, action

ACTIONS: tuple[Action, ...] = (
    action("create_user", "POST", "/users", body=("name", "email", "role")),
    action("change_user", "PATCH", "/users/{id}", body=("name", "role", "disabled")),
    action("delete_user", "DELETE", "/users/{id}", body=("attribution", "name")),
    action("reset_user_password", "POST", "/users/{id}/reset-password"),
    action("audit", "GET", "/audit", query=("action", "actor_id", "target_id", "after", "before", "cursor", "limit")),
    action("mail", "GET", "/mail", query=("cursor",)),
)
