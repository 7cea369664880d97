"""The words of the pages that customers see, by language. English is the last resort."""

from dataclasses import dataclass

from cij.compiler.channels import CHANNELS


@dataclass(frozen=True, slots=True)
class Texts:
    """`{topic}` and `{channel}` are filled."""

    title: str
    stop_title: str
    stop_question: str
    stop_button: str
    stopped: str
    confirm_title: str
    confirm_question: str
    confirm_button: str
    confirmed: str
    to_preferences: str
    intro: str
    save: str
    none: str
    saved: str
    gone: str


_ENGLISH = Texts(
    title="What you hear from us",
    stop_title="Unsubscribe",
    stop_question="Do you want no more messages about “{topic}” by {channel}?",
    stop_button="Yes, unsubscribe me",
    confirm_title="Please confirm",
    confirm_question="Do you want messages about “{topic}” by {channel}?",
    confirm_button="Yes, please",
    confirmed="You get messages about “{topic}” by {channel}.",
    stopped="You get no more messages about “{topic}” by {channel}.",
    to_preferences="All settings",
    intro="Choose what you want to hear about, and how.",
    save="Save",
    none="Unsubscribe me from everything",
    saved="Your choice is saved.",
    gone="This link is not valid. Please use the link in a newer message.",
)
_GERMAN = Texts(
    title="Was Sie von uns hören",
    stop_title="Abmelden",
    stop_question="Möchten Sie keine Nachrichten mehr zu „{topic}“ per {channel}?",
    stop_button="Ja, abmelden",
    confirm_title="Bitte bestätigen",
    confirm_question="Möchten Sie Nachrichten zu „{topic}“ per {channel}?",
    confirm_button="Ja, gern",
    confirmed="Sie erhalten Nachrichten zu „{topic}“ per {channel}.",
    stopped="Sie erhalten keine Nachrichten mehr zu „{topic}“ per {channel}.",
    to_preferences="Alle Einstellungen",
    intro="Wählen Sie, wovon Sie hören möchten, und auf welchem Weg.",
    save="Speichern",
    none="Von allem abmelden",
    saved="Ihre Auswahl ist gespeichert.",
    gone="Dieser Link ist nicht gültig. Bitte nehmen Sie den Link aus einer neueren Nachricht.",
)
_SPANISH = Texts(
    title="Qué quieres recibir",
    stop_title="Darse de baja",
    stop_question="¿Quieres dejar de recibir mensajes sobre «{topic}» por {channel}?",
    stop_button="Sí, darme de baja",
    confirm_title="Confirma, por favor",
    confirm_question="¿Quieres recibir mensajes sobre «{topic}» por {channel}?",
    confirm_button="Sí, quiero",
    confirmed="Recibirás mensajes sobre «{topic}» por {channel}.",
    stopped="Ya no recibirás mensajes sobre «{topic}» por {channel}.",
    to_preferences="Todas las opciones",
    intro="Elige qué quieres recibir y por dónde.",
    save="Guardar",
    none="Darme de baja de todo",
    saved="Tus preferencias están guardadas.",
    gone="Este enlace no es válido. Usa el enlace de un mensaje más reciente.",
)
_FRENCH = Texts(
    title="Ce que vous recevez de nous",
    stop_title="Se désabonner",
    stop_question="Ne plus recevoir de messages sur « {topic} » par {channel} ?",
    stop_button="Oui, me désabonner",
    confirm_title="Merci de confirmer",
    confirm_question="Voulez-vous recevoir des messages sur « {topic} » par {channel} ?",
    confirm_button="Oui, je le veux",
    confirmed="Vous recevrez des messages sur « {topic} » par {channel}.",
    stopped="Vous ne recevrez plus de messages sur « {topic} » par {channel}.",
    to_preferences="Toutes les préférences",
    intro="Choisissez ce que vous voulez recevoir, et comment.",
    save="Enregistrer",
    none="Me désabonner de tout",
    saved="Votre choix est enregistré.",
    gone="Ce lien n’est pas valide. Utilisez le lien d’un message plus récent.",
)
TEXTS = {"en": _ENGLISH, "de": _GERMAN, "es": _SPANISH, "fr": _FRENCH}


def channel_word(channel: str, language: str) -> str:
    """Return what people call a channel."""
    row = CHANNELS.get(channel)
    called = row.called if row is not None else {}
    return called.get(language) or called.get("en") or channel


def texts_for(*languages: str | None) -> tuple[str, Texts]:
    """Return the first language that is known, with its words: `es` for `es-MX`."""
    for language in languages:
        name = (language or "").replace("_", "-").partition("-")[0].lower()
        if name in TEXTS:
            return name, TEXTS[name]
    return "en", _ENGLISH
