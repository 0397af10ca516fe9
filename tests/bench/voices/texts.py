"""What the synthetic people say."""

from __future__ import annotations

from voices.speech import FRENCH, GERMAN, ITALIAN, MAN, SPANISH, WOMAN, Speaker

QUESTIONS: tuple[tuple[Speaker, str], ...] = (
    (MAN, "can you tell me all about the house by the lake"),
    (WOMAN, "what should I bring along when I visit on sunday"),
    (GERMAN, "erzählen Sie mir bitte alles über das Haus am See"),
    (FRENCH, "pouvez-vous me parler de la maison au bord du lac"),
)
SENTENCES: tuple[tuple[Speaker, str], ...] = (
    (MAN, "actually I would rather come on friday evening"),
    (MAN, "no that is not the house I was asking about"),
    (MAN, "excuse me but how much does it cost a night"),
    (MAN, "could you say the name of the street again"),
    (WOMAN, "sorry, there are four of us and a small dog"),
    (WOMAN, "wait a moment, I have to find something to write with"),
    (WOMAN, "I already know that, tell me about the garden"),
    (WOMAN, "let us talk about the other offer instead"),
    (GERMAN, "entschuldigung, ich wollte eigentlich nach dem Preis fragen"),
    (GERMAN, "das weiß ich schon, wann können wir kommen"),
    (GERMAN, "moment bitte, wir sind aber zu fünft"),
    (FRENCH, "excusez-moi, nous voudrions venir au mois de juin"),
    (FRENCH, "attendez, je n'ai pas bien compris la fin"),
    (FRENCH, "est-ce que le petit déjeuner est compris"),
    (SPANISH, "perdone, cuánto cuesta la habitación con vistas"),
    (SPANISH, "un momento por favor, necesito apuntar el número"),
    (SPANISH, "prefiero llegar el sábado por la mañana"),
    (ITALIAN, "mi scusi, vorrei sapere quanto costa"),
    (ITALIAN, "aspetti un attimo, siamo in quattro persone"),
    (ITALIAN, "possiamo portare anche il nostro cane"),
)
SINGLES: tuple[tuple[Speaker, tuple[str, ...]], ...] = (
    (MAN, ("yes", "no", "seven", "friday")),
    (WOMAN, ("yes", "three", "eight", "sunday")),
    (GERMAN, ("ja", "nein", "sieben", "freitag")),
    (FRENCH, ("oui", "non", "sept", "lundi")),
    (SPANISH, ("sí", "no", "cinco", "lunes")),
    (ITALIAN, ("sì", "no", "cinque", "otto")),
)
STOPS: tuple[tuple[Speaker, tuple[str, ...]], ...] = (
    (MAN, ("stop", "wait", "no")),
    (WOMAN, ("stop", "wait", "no")),
    (GERMAN, ("stopp", "halt", "nein")),
    (SPANISH, ("para", "espera", "no")),
)
AGREEMENT: tuple[tuple[Speaker, tuple[str, ...]], ...] = (
    (MAN, ("yeah", "okay", "right")),
    (WOMAN, ("yeah", "okay", "right")),
)
TALKS: tuple[tuple[Speaker, str], ...] = (
    (
        WOMAN,
        "The house stands right by the water and has a garden with old apple trees behind it. "
        "In the morning the sun comes through the kitchen window and you can hear the boats. "
        "There are four rooms on the upper floor and each of them has a small balcony. "
        "The village shop is open every day and sells bread and milk and fresh fish.",
    ),
    (
        MAN,
        "We open at nine in the morning and the last guests usually leave around eleven. "
        "Most people come by train because the station is only five minutes from here. "
        "If you bring children we can put another bed in the room at no extra cost. "
        "Please let us know a day before so that everything is ready when you arrive.",
    ),
    (
        GERMAN,
        "Das Haus steht direkt am Wasser und hinter ihm liegt ein Garten mit alten Bäumen. "
        "Am Morgen scheint die Sonne durch das Fenster der Küche und man hört die Boote. "
        "Im oberen Stock gibt es vier Zimmer und jedes davon hat einen kleinen Balkon.",
    ),
    (
        ITALIAN,
        "La casa si trova proprio vicino al lago e ha un giardino con molti alberi vecchi. "
        "La mattina il sole entra dalla finestra della cucina e si sentono passare le barche. "
        "Al piano di sopra ci sono quattro camere e ognuna ha un piccolo balcone sul lago.",
    ),
    (
        SPANISH,
        "La casa está justo al lado del agua y detrás tiene un jardín con árboles viejos. "
        "Por la mañana entra el sol por la ventana de la cocina y se oyen pasar los barcos. "
        "En el piso de arriba hay cuatro habitaciones y cada una tiene un balcón pequeño.",
    ),
    (
        FRENCH,
        "La maison se trouve juste au bord de l'eau avec un jardin plein de vieux arbres. "
        "Le matin le soleil entre par la fenêtre de la cuisine et on entend les bateaux. "
        "À l'étage il y a quatre chambres et chacune possède un petit balcon sur le lac.",
    ),
)
PHRASES: tuple[tuple[Speaker, tuple[str, ...]], ...] = (
    (
        MAN,
        (
            "well you see",
            "I called last week already",
            "and somebody told me",
            "that the room was free",
            "but then my sister",
            "she wanted to come as well",
            "so now we are three",
            "and we have a dog",
        ),
    ),
    (
        WOMAN,
        (
            "my number is",
            "four seven one",
            "eight eight two",
            "no wait",
            "eight eight three",
            "and the name is miller",
            "with a double l",
            "from the north side",
        ),
    ),
    (
        GERMAN,
        (
            "also ich wollte fragen",
            "ob Sie noch",
            "ein Zimmer haben",
            "für zwei Nächte",
            "und vielleicht",
            "auch noch für meine Mutter",
            "die kommt aber später",
            "erst am Sonntag",
        ),
    ),
    (
        SPANISH,
        (
            "mire usted",
            "yo llamaba porque",
            "el mes pasado",
            "reservé dos noches",
            "pero ahora",
            "mi hermano no puede venir",
            "entonces quería saber",
            "si se puede cambiar",
        ),
    ),
)
