"""One's own account: profile, password, sessions, second factor, API keys, linked identities."""

from ui_gradio.actions.calls import Action, action

ACTIONS: tuple[Action, ...] = (
    action("me", "GET", "/users/me"),
    action("change_me", "PATCH", "/users/me", body=("name", "email", "locale", "time_zone")),
    action("delete_avatar", "DELETE", "/users/me/avatar"),
    action("delete_me", "DELETE", "/users/me", body=("password", "code", "attribution", "name")),
    action("auth_methods", "GET", "/auth/methods"),
    action("change_password", "POST", "/auth/password", body=("current_password", "new_password")),
    action("sessions", "GET", "/auth/sessions", query=("cursor",)),
    action("end_session", "DELETE", "/auth/sessions/{id}"),
    action("end_other_sessions", "DELETE", "/auth/sessions"),
    action("mfa", "GET", "/auth/mfa"),
    action("mfa_setup", "POST", "/auth/mfa/setup", body=("password",)),
    action("mfa_confirm", "POST", "/auth/mfa/confirm", body=("code",)),
    action("mfa_recovery_codes", "POST", "/auth/mfa/recovery-codes", body=("code",)),
    action("mfa_disable", "POST", "/auth/mfa/disable", body=("code",)),
    action("api_keys", "GET", "/auth/api-keys", query=("cursor",)),
    action("create_api_key", "POST", "/auth/api-keys", body=("name", "scopes", "expires_in_days")),
    action("revoke_api_key", "DELETE", "/auth/api-keys/{id}"),
    action("identities", "GET", "/auth/identities", query=("cursor",)),
    action("unlink_identity", "DELETE", "/auth/identities/{id}"),
)
