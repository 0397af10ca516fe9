"""The words of the languages whose spoken forms are known."""

from __future__ import annotations

from patter_spoken.language import CODES, HARD_SPACES, SIGNS, Language


def _signs(*words: str) -> dict[str, str]:
    return dict(zip(SIGNS, words, strict=True))


def _money(*names: str) -> dict[str, tuple[str, str]]:
    pairs = (tuple(name.split("/")) for name in names)
    return {code: (pair[0], pair[-1]) for code, pair in zip(CODES, pairs, strict=True)}


LANGUAGES = {
    "en": Language(
        lang="en",
        decimal=".",
        groups="," + HARD_SPACES,
        signs=_signs("at", "dot", "dash", "underscore", "plus", "minus", "point", "percent"),
        months=(
            *("January", "February", "March", "April", "May", "June", "July", "August"),
            *("September", "October", "November", "December"),
        ),
        money=_money(
            *("dollar/dollars", "euro/euros", "pound/pounds"),
            *("Swiss franc/Swiss francs", "real/reais", "yen"),
        ),
        one="one",
        cents="{whole} {unit} and {cents} {minor}",
        hour="{hour} {minute}",
        sharp="{hour} o'clock",
        date="{month} {day}, {year}",
        ordinals="st|nd|rd|th",
        codes="code|pin|password|passcode|reference|booking|order|account|zip|postcode|extension",
        time_unit=r"\s?[ap]\.?m\b\.?",
        month_first=True,
    ),
    "de": Language(
        lang="de",
        decimal=",",
        groups=".'" + HARD_SPACES,
        signs=_signs("at", "Punkt", "minus", "Unterstrich", "plus", "minus", "Komma", "Prozent"),
        months=(
            *("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August"),
            *("September", "Oktober", "November", "Dezember"),
        ),
        money=_money("Dollar", "Euro", "Pfund", "Franken", "Real", "Yen"),
        one="ein",
        cents="{whole} {unit} {cents}",
        hour="{hour} Uhr {minute}",
        sharp="{hour} Uhr",
        date="{day} {month} {year}",
        codes="code|pin|kennwort|passwort|nummer|nr|postleitzahl|plz|durchwahl",
        time_unit=r"\s?Uhr\b",
    ),
    "fr": Language(
        lang="fr",
        decimal=",",
        groups=". " + HARD_SPACES,
        signs=_signs(
            *("arobase", "point", "tiret", "tiret bas", "plus", "moins", "virgule"), "pour cent"
        ),
        months=(
            *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août"),
            *("septembre", "octobre", "novembre", "décembre"),
        ),
        money=_money(
            *("dollar/dollars", "euro/euros", "livre/livres"),
            *("franc suisse/francs suisses", "real/reais", "yen/yens"),
        ),
        one="un",
        cents="{whole} {unit} {cents}",
        hour="{hour} heures {minute}",
        sharp="{hour} heures",
        date="{day} {month} {year}",
        first="premier",
        ordinals="er|re|ère|e|ème",
        codes="code|numéro|référence|dossier|commande|poste",
        time_unit=r"\s?heures?\b",
        time_marks=":h",
    ),
    "es": Language(
        lang="es",
        decimal=",",
        groups="." + HARD_SPACES,
        signs=_signs(
            *("arroba", "punto", "guion", "guion bajo", "más", "menos", "coma", "por ciento")
        ),
        months=(
            *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto"),
            *("septiembre", "octubre", "noviembre", "diciembre"),
        ),
        money=_money(
            *("dólar/dólares", "euro/euros", "libra/libras"),
            *("franco suizo/francos suizos", "real/reales", "yen/yenes"),
        ),
        one="un",
        cents="{whole} {unit} con {cents}",
        hour="{hour} y {minute}",
        sharp="{hour}",
        date="{day} de {month} de {year}",
        ordinals="[.]?[ºª]",
        codes="código|clave|número|referencia|reserva|pedido|extensión",
        time_unit=r"\s?h(?:oras)?\b",
    ),
    "it": Language(
        lang="it",
        decimal=",",
        groups="." + HARD_SPACES,
        signs=_signs(
            *("chiocciola", "punto", "trattino", "trattino basso", "più", "meno", "virgola"),
            "per cento",
        ),
        months=(
            *("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto"),
            *("settembre", "ottobre", "novembre", "dicembre"),
        ),
        money=_money(
            *("dollaro/dollari", "euro", "sterlina/sterline"),
            *("franco svizzero/franchi svizzeri", "real", "yen"),
        ),
        one="un",
        cents="{whole} {unit} e {cents}",
        hour="{hour} e {minute}",
        sharp="{hour}",
        date="{day} {month} {year}",
        first="primo",
        ordinals="[ºª]",
        codes="codice|numero|pin|prenotazione|ordine|interno",
    ),
    "pt": Language(
        lang="pt",
        decimal=",",
        groups="." + HARD_SPACES,
        signs=_signs(
            *("arroba", "ponto", "hífen", "sublinhado", "mais", "menos", "vírgula", "por cento")
        ),
        months=(
            *("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto"),
            *("setembro", "outubro", "novembro", "dezembro"),
        ),
        money=_money(
            *("dólar/dólares", "euro/euros", "libra/libras"),
            *("franco suíço/francos suíços", "real/reais", "iene/ienes"),
        ),
        one="um",
        cents="{whole} {unit} e {cents}",
        hour="{hour} e {minute}",
        sharp="{hour} horas",
        date="{day} de {month} de {year}",
        first="primeiro",
        ordinals="[.]?[ºª]",
        codes="código|senha|número|referência|reserva|pedido|ramal",
        time_unit=r"\s?h(?:oras)?\b",
        time_marks=":h",
    ),
    "nl": Language(
        lang="nl",
        decimal=",",
        groups="." + HARD_SPACES,
        signs=_signs(
            *("apenstaartje", "punt", "streepje", "laag streepje", "plus", "min", "komma"),
            "procent",
        ),
        months=(
            *("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus"),
            *("september", "oktober", "november", "december"),
        ),
        money=_money("dollar", "euro", "pond", "frank", "real", "yen"),
        one="één",
        cents="{whole} {unit} {cents}",
        hour="{hour} uur {minute}",
        sharp="{hour} uur",
        date="{day} {month} {year}",
        ordinals="e|de|ste",
        codes="code|pincode|nummer|wachtwoord|reservering|bestelling|postcode",
        time_unit=r"\s?uur\b",
    ),
}
