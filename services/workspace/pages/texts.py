"""What the server's own pages say, in the languages the page speaks. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from services.workspace.accounts.domain import PASSWORD_MIN
from services.workspace.domain import Role
from shared.errors import TidingsError

_QUALITY_MAX = 1.0


class Fields(NamedTuple):
    """What to fill in."""

    name: str
    email: str
    password: str
    new_password: str


@dataclass(frozen=True, kw_only=True)
class Texts:
    """One language. Sentences with a name in braces are filled with `format`."""

    language: str
    sign_in: str
    sign_in_with: str
    fields: Fields
    welcome: str
    link_help: str
    go_on: str
    invited: str
    roles: Mapping[Role, str]
    join_as: str
    join: str
    have_account: str
    sign_in_first: str
    form_incomplete: str
    failed: str
    go_home: str
    refusals: Mapping[str, str] = field(default_factory=dict)
    """What a refusal means, by its code; others say it in their own words."""

    def explain(self, error: TidingsError) -> str:
        """Say what went wrong and what to do."""
        return self.refusals.get(error.code, error.detail)


EN = Texts(
    language="en",
    sign_in="Sign in",
    sign_in_with="Sign in with {provider}",
    fields=Fields(
        "Your name", "E-mail", "Password", f"A password, {PASSWORD_MIN} characters or more"
    ),
    welcome="Welcome to Tidings",
    link_help="This link signs you in on this device. It works once.",
    go_on="Continue",
    invited="{name} invites you to {team} as {role}.",
    roles={Role.OWNER: "owner", Role.MEMBER: "member", Role.GUEST: "guest"},
    join_as="Join as {name}",
    join="Join",
    have_account="You have an account?",
    sign_in_first="Sign in first.",
    form_incomplete="Give a name, an e-mail address and a password that is long enough.",
    failed="That did not work",
    go_home="Go to Tidings",
)

DE = Texts(
    language="de",
    sign_in="Anmelden",
    sign_in_with="Anmelden mit {provider}",
    fields=Fields(
        "Ihr Name", "E-Mail", "Passwort", f"Ein Passwort, mindestens {PASSWORD_MIN} Zeichen"
    ),
    welcome="Willkommen bei Tidings",
    link_help="Dieser Link meldet Sie auf diesem Gerät an. Er gilt einmal.",
    go_on="Weiter",
    invited="{name} lädt Sie in das Team {team} ein. Ihre Rolle: {role}.",
    roles={Role.OWNER: "Eigentümer", Role.MEMBER: "Mitglied", Role.GUEST: "Gast"},
    join_as="Als {name} beitreten",
    join="Beitreten",
    have_account="Sie haben ein Konto?",
    sign_in_first="Melden Sie sich zuerst an.",
    form_incomplete="Geben Sie Namen, E-Mail-Adresse und ein Passwort an, das lang genug ist.",
    failed="Das hat nicht geklappt",
    go_home="Zu Tidings",
    refusals={
        "wrong-sign-in": "Die E-Mail-Adresse oder das Passwort ist falsch.",
        "too-many-sign-ins": "Zu viele missglückte Anmeldungen. Warten Sie ein wenig.",
        "rate-limited": "Das war viel in kurzer Zeit. Warten Sie ein wenig.",
        "link-over": "Dieser Link wurde schon benutzt oder ist zu alt. Bitten Sie um einen neuen.",
        "invitation-over": "Diese Einladung wurde benutzt, zurückgezogen oder ist zu alt. "
        "Bitten Sie um eine neue.",
        "removed-since-invitation": "Sie haben dieses Team verlassen, nachdem diese Einladung "
        "entstand. Bitten Sie einen Eigentümer um eine neue.",
        "already-a-member": "Sie sind schon in diesem Team.",
        "email-taken": "Jemand hier hat diese E-Mail-Adresse schon. Melden Sie sich an.",
        "provider-refused": "Der Antwort des Anmeldedienstes war nicht zu trauen. "
        "Versuchen Sie es noch einmal.",
        "email-unverified": "Der Anmeldedienst hat die E-Mail-Adresse nicht bestätigt.",
        "no-provider": "Hier ist kein Anmeldedienst eingerichtet.",
    },
)

NL = Texts(
    language="nl",
    sign_in="Aanmelden",
    sign_in_with="Aanmelden met {provider}",
    fields=Fields(
        "Uw naam", "E-mail", "Wachtwoord", f"Een wachtwoord, ten minste {PASSWORD_MIN} tekens"
    ),
    welcome="Welkom bij Tidings",
    link_help="Deze link meldt u aan op dit apparaat. Hij werkt één keer.",
    go_on="Verder",
    invited="{name} nodigt u uit voor het team {team}. Uw rol: {role}.",
    roles={Role.OWNER: "eigenaar", Role.MEMBER: "lid", Role.GUEST: "gast"},
    join_as="Meedoen als {name}",
    join="Meedoen",
    have_account="Hebt u een account?",
    sign_in_first="Meld u eerst aan.",
    form_incomplete="Geef een naam, een e-mailadres en een wachtwoord dat lang genoeg is.",
    failed="Dat is niet gelukt",
    go_home="Naar Tidings",
    refusals={
        "wrong-sign-in": "Het e-mailadres of het wachtwoord is onjuist.",
        "too-many-sign-ins": "Te veel mislukte pogingen. Wacht even.",
        "rate-limited": "Dat was veel in korte tijd. Wacht even.",
        "link-over": "Deze link is al gebruikt of te oud. Vraag een nieuwe.",
        "invitation-over": "Deze uitnodiging is gebruikt, ingetrokken of te oud. Vraag een nieuwe.",
        "removed-since-invitation": "U bent uit dit team gegaan nadat deze uitnodiging was "
        "gemaakt. Vraag een eigenaar om een nieuwe.",
        "already-a-member": "U zit al in dit team.",
        "email-taken": "Iemand hier heeft dit e-mailadres al. Meld u aan.",
        "provider-refused": "Het antwoord van de aanmelddienst was niet te vertrouwen. "
        "Probeer het opnieuw.",
        "email-unverified": "De aanmelddienst heeft het e-mailadres niet bevestigd.",
        "no-provider": "Hier is geen aanmelddienst ingesteld.",
    },
)

_ALL = {texts.language: texts for texts in (EN, DE, NL)}


def texts_for(accept_language: str) -> Texts:
    """Return the language a browser likes best of those we speak; English if it likes none."""
    wanted: list[tuple[float, str]] = []
    for entry in accept_language.split(","):
        tag, _, parameters = entry.partition(";")
        wanted.append((_quality(parameters), tag.strip().lower().split("-", 1)[0]))
    for quality, language in sorted(wanted, key=lambda each: -each[0]):
        if quality > 0 and language in _ALL:
            return _ALL[language]
    return EN


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return _QUALITY_MAX
    try:
        return float(value)
    except ValueError:
        return 0.0
