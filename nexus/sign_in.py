"""The sign-in page: takes the one-time link that the server printed."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

import ui_gradio.pages
from core_api.auth import tokens
from core_api.auth.dependencies import SettingsDep, WriteSession, request_secret
from core_api.auth.endpoints import set_session_cookie
from core_api.infra.errors import Unauthenticated
from core_api.infra.settings import Settings
from core_api.models import TokenKind, User
