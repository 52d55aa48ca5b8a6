"""What the stored phrases say, by language and name."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "one_moment": "One moment, please.",
        "still_there": "Are you still there?",
        "sorry_trouble": "I am sorry, that did not work.",
        "goodbye": "Thank you. Goodbye.",
    },
    "de": {
        "one_moment": "Einen Moment, bitte.",
        "still_there": "Sind Sie noch da?",
        "sorry_trouble": "Das hat leider nicht geklappt.",
        "goodbye": "Vielen Dank. Auf Wiederhören.",
    },
    "es": {
        "one_moment": "Un momento, por favor.",
        "still_there": "¿Sigue usted ahí?",
        "sorry_trouble": "Lo siento, no ha funcionado.",
        "goodbye": "Gracias por llamar. Adiós.",
    },
    "fr": {
        "one_moment": "Un instant, s'il vous plaît.",
        "still_there": "Êtes-vous toujours là ?",
        "sorry_trouble": "Désolé, cela n'a pas fonctionné.",
        "goodbye": "Merci de votre appel. Au revoir.",
    },
}
