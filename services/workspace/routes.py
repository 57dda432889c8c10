"""Everything the workspace answers: the one table behind server, document and tests."""

from services.workspace.accounts import http as accounts
from services.workspace.comments import http as comments
from services.workspace.corrections import http as corrections
from services.workspace.events import http as events
from services.workspace.pages import http as pages
from services.workspace.search import http as search
from services.workspace.speakers import http as speakers
from services.workspace.teams import http as teams
from services.workspace.teams import invitations_http as invitations
from services.workspace.threads import http as threads
from services.workspace.transcripts import http as transcripts
from services.workspace.updates import http as updates
from shared.http.routes import Route

ROUTES: tuple[Route, ...] = (
    *accounts.ROUTES,
    *teams.ROUTES,
    *invitations.ROUTES,
    *threads.ROUTES,
    *updates.ROUTES,
    *comments.ROUTES,
    *transcripts.ROUTES,
    *speakers.ROUTES,
    *corrections.ROUTES,
    *search.ROUTES,
    *events.ROUTES,
    *pages.ROUTES,
)
