"""Words that mean something only by their place in a conversation, by language.

A listener's "mm-hm" is no interruption, a "hello" over the greeting no request, and a sentence
that ends in "and" is not over. Written as `plain_words` has them: small letters, no punctuation.
An unknown language has no such words, so nothing is guessed in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import attrs


@attrs.frozen(kw_only=True)
class ListenerWords:
    """The phrases of one language, words separated by spaces.

    *backchannels* are said by who listens on. *salutations* open a call. *contradictions* take
    back what was said before. *unfinished* end no sentence. *answers* are complete, however
    short. *spelled* are asked for when the caller needs time: numbers, addresses, names.
    """

    backchannels: frozenset[str] = frozenset()
    salutations: frozenset[str] = frozenset()
    contradictions: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()
    answers: frozenset[str] = frozenset()
    spelled: frozenset[str] = frozenset()
    digits: frozenset[str] = frozenset()


def _phrases(text: str) -> frozenset[str]:
    return frozenset(phrase.strip() for phrase in text.split("|") if phrase.strip())


_NOISES = "mm|mmm|mhm|mm hm|mmhm|mmhmm|mm hmm|hm|hmm|uh huh|uhuh|ah|aha|oh|ooh|haha|ha ha|ha"

_LANGUAGES: Mapping[str, ListenerWords] = MappingProxyType(
    {
        "en": ListenerWords(
            backchannels=_phrases(
                _NOISES + "|yeah|yep|yup|yes|right|okay|ok|sure|i see|got it|alright|all right"
                "|oh okay|great|good|cool|fine|exactly|really|wow|interesting|go on|of course"
                "|makes sense|true|uh|um|thank you|thanks"
            ),
            salutations=_phrases(
                "hello|hi|hey|hello there|hi there|good morning|good afternoon|good evening|good day"
                "|yes|yeah|hello hello|who is this|whos this|are you there|can you hear me"
            ),
            contradictions=_phrases(
                "no|not|dont|stop|wait|cancel|actually|instead|rather|sorry|nope|never mind"
                "|i mean|hold on|scratch that|change|wrong"
            ),
            unfinished=_phrases(
                "um|uh|uhm|er|erm|hmm|like|well|so|and|or|but|because|cause|if|when|that|which|who"
                "|the|a|an|my|your|our|his|her|their|to|of|for|from|with|in|on|at|by|about|into"
                "|is|are|was|were|its|im|id|ill|ive|can|could|would|should|will|then|also|plus"
                "|than|as|until|between|around|maybe|let me see|lets see|you know|i think|i want"
                "|i need|it is|this is|number|street|at gmail|double"
            ),
            answers=_phrases(
                "yes|no|yeah|nope|yep|okay|ok|sure|yes please|no thanks|no thank you|thank you"
                "|thanks|bye|goodbye|bye bye|thats all|thats it|thats right|correct|right|exactly"
                "|of course|stop|help|hello|hi|operator|agent|cancel|subscribe|repeat"
            ),
            spelled=_phrases(
                "number|phone|spell|address|email|e mail|mail|code|zip|postcode|postal|date of birth"
                "|birthday|card|account|pin|digits|reference|license|plate|last name|surname"
                "|full name|street"
            ),
            digits=_phrases(
                "zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen"
                "|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty"
                "|sixty|seventy|eighty|ninety|hundred|thousand|double|triple|dash|dot|point|slash"
            ),
        ),
        "de": ListenerWords(
            backchannels=_phrases(
                _NOISES + "|ja|jaja|ja ja|jo|genau|okay|ok|gut|klar|ach so|achso|alles klar|stimmt"
                "|verstehe|verstanden|richtig|super|prima|danke|äh|ähm|mhmh|ja genau|na klar"
            ),
            salutations=_phrases(
                "hallo|hi|guten tag|guten morgen|guten abend|grüß gott|moin|servus|ja hallo|ja"
                "|hallo hallo|ja bitte|wer ist da|sind sie da|hören sie mich"
            ),
            contradictions=_phrases(
                "nein|nicht|kein|keine|stopp|stop|halt|warten sie|moment|doch|sondern|lieber"
                "|eigentlich|entschuldigung|falsch|abbrechen|stornieren|vergessen sie es|nee|ne"
            ),
            unfinished=_phrases(
                "äh|ähm|öh|hm|also|und|oder|aber|weil|wenn|dass|ob|der|die|das|den|dem|des|ein"
                "|eine|einen|einem|einer|mein|meine|meinen|ihr|ihre|zu|zum|zur|von|vom|für|mit|in"
                "|im|an|am|auf|bei|nach|aus|um|ist|sind|war|ich|wir|dann|noch|vielleicht|so"
                "|ich möchte|ich hätte gern|nummer|straße"
            ),
            answers=_phrases(
                "ja|nein|ja bitte|nein danke|danke|okay|ok|gut|genau|richtig|stimmt|tschüss"
                "|auf wiederhören|auf wiedersehen|das ist alles|das wars|stopp|hilfe|hallo"
            ),
            spelled=_phrases(
                "nummer|telefonnummer|buchstabieren|adresse|anschrift|mail|email|e mail|code"
                "|postleitzahl|geburtsdatum|karte|konto|kundennummer|pin|ziffern|kennzeichen"
                "|nachname|straße|namen"
            ),
            digits=_phrases(
                "null|eins|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|zwanzig"
                "|dreißig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig|hundert|tausend|punkt"
            ),
        ),
        "es": ListenerWords(
            backchannels=_phrases(
                _NOISES + "|sí|si|ya|vale|claro|bueno|okay|ok|de acuerdo|entiendo|ajá|aja|exacto"
                "|perfecto|muy bien|bien|gracias|eh"
            ),
            salutations=_phrases(
                "hola|buenos días|buenas tardes|buenas noches|buenas|diga|dígame|aló|bueno|sí|si"
            ),
            contradictions=_phrases(
                "no|para|pare|espera|espere|cancela|cancelar|mejor|perdón|en realidad|cambia|nunca"
            ),
            unfinished=_phrases(
                "eh|em|este|pues|y|o|pero|porque|si|que|el|la|los|las|un|una|mi|tu|su|de|del|a|al"
                "|para|por|con|en|es|son|entonces|también|quiero|necesito|número|calle"
            ),
            answers=_phrases(
                "sí|si|no|vale|claro|gracias|no gracias|sí por favor|adiós|hasta luego|eso es todo"
                "|correcto|exacto|ayuda|hola"
            ),
            spelled=_phrases(
                "número|teléfono|deletrear|deletree|dirección|correo|email|código|fecha de nacimiento"
                "|tarjeta|cuenta|pin|apellido|calle"
            ),
            digits=_phrases(
                "cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|veinte|treinta"
                "|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa|cien|mil"
            ),
        ),
        "fr": ListenerWords(
            backchannels=_phrases(
                _NOISES + "|oui|ouais|daccord|okay|ok|bien|très bien|je vois|voilà|cest ça|exact"
                "|parfait|merci|euh|bien sûr|ah bon|ah daccord"
            ),
            salutations=_phrases("bonjour|bonsoir|allô|allo|salut|oui bonjour|oui allô|oui"),
            contradictions=_phrases(
                "non|pas|arrêtez|arrête|stop|attendez|attends|annulez|annuler|plutôt|pardon"
                "|en fait|désolé|changer"
            ),
            unfinished=_phrases(
                "euh|alors|donc|et|ou|mais|parce que|si|que|qui|le|la|les|un|une|des|mon|ma|mes"
                "|votre|de|du|à|au|aux|pour|avec|dans|en|sur|est|sont|puis|aussi|je voudrais"
                "|numéro|rue"
            ),
            answers=_phrases(
                "oui|non|daccord|merci|non merci|oui sil vous plaît|au revoir|cest tout|exact"
                "|cest ça|aide|bonjour"
            ),
            spelled=_phrases(
                "numéro|téléphone|épeler|adresse|mail|email|code|code postal|date de naissance"
                "|carte|compte|nom de famille|rue"
            ),
            digits=_phrases(
                "zéro|un|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|vingt|trente"
                "|quarante|cinquante|soixante|cent|mille"
            ),
        ),
        "it": ListenerWords(
            backchannels=_phrases(
                _NOISES + "|sì|si|certo|va bene|okay|ok|capisco|ho capito|esatto|giusto|bene|grazie"
            ),
            salutations=_phrases("pronto|ciao|buongiorno|buonasera|salve|sì|si pronto"),
            contradictions=_phrases("no|non|ferma|aspetta|aspetti|annulla|invece|scusi|piuttosto"),
            unfinished=_phrases(
                "ehm|eh|allora|e|o|ma|perché|se|che|il|lo|la|i|gli|le|un|una|mio|mia|di|del|a|al"
                "|per|con|in|su|è|sono|poi|anche|vorrei|numero|via"
            ),
            answers=_phrases("sì|si|no|certo|grazie|no grazie|arrivederci|è tutto|esatto|aiuto"),
            spelled=_phrases("numero|telefono|indirizzo|mail|email|codice|data di nascita|carta"),
            digits=_phrases("zero|uno|due|tre|quattro|cinque|sei|sette|otto|nove|dieci|venti"),
        ),
        "pt": ListenerWords(
            backchannels=_phrases(
                _NOISES + "|sim|é|tá|tá bom|certo|claro|okay|ok|entendi|isso|exato|bom|obrigado"
                "|obrigada|pois|pois é|uhum"
            ),
            salutations=_phrases("olá|oi|alô|bom dia|boa tarde|boa noite|sim|está|estou"),
            contradictions=_phrases("não|pare|espere|espera|cancela|cancelar|melhor|desculpe|aliás"),
            unfinished=_phrases(
                "hã|eh|então|e|ou|mas|porque|se|que|o|a|os|as|um|uma|meu|minha|de|do|da|para|por"
                "|com|em|no|na|é|são|também|quero|queria|número|rua"
            ),
            answers=_phrases("sim|não|claro|obrigado|obrigada|tchau|adeus|é só isso|certo|ajuda"),
            spelled=_phrases("número|telefone|endereço|morada|email|código|data de nascimento"),
            digits=_phrases("zero|um|dois|três|quatro|cinco|seis|meia|sete|oito|nove|dez|vinte"),
        ),
        "nl": ListenerWords(
            backchannels=_phrases(
                _NOISES + "|ja|jaja|oké|oke|okay|ok|goed|precies|juist|klopt|snap ik|prima|dank je"
            ),
            salutations=_phrases("hallo|hoi|goedemorgen|goedemiddag|goedenavond|goedendag|ja|dag"),
            contradictions=_phrases("nee|niet|geen|stop|wacht|annuleer|liever|eigenlijk|sorry|fout"),
            unfinished=_phrases(
                "eh|ehm|dus|en|of|maar|omdat|als|dat|de|het|een|mijn|uw|je|van|voor|met|in|op|aan"
                "|bij|naar|is|zijn|dan|ook|ik wil|ik zou|nummer|straat"
            ),
            answers=_phrases("ja|nee|oké|ok|goed|dank je|nee dank je|dag|doei|dat is alles|klopt"),
            spelled=_phrases("nummer|telefoon|spellen|adres|email|mail|code|postcode|geboortedatum"),
            digits=_phrases("nul|een|één|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|twintig"),
        ),
    }
)
_NONE = ListenerWords()


def listener_words(language: str) -> ListenerWords:
    """The words of *language*, a code such as ``en`` or ``de-CH``."""
    return _LANGUAGES.get(language.lower().replace("_", "-").partition("-")[0], _NONE)


@cache
def _longest(phrases: frozenset[str]) -> int:
    return max((len(phrase.split()) for phrase in phrases), default=0)


def is_made_of(words: list[str], phrases: frozenset[str]) -> bool:
    """Is the whole of *words* a row of *phrases*? No words are none.

    >>> is_made_of(["oh", "i", "see"], frozenset({"oh", "i see"}))
    True
    """
    longest, reached = _longest(phrases), {0}
    for end in range(1, len(words) + 1):
        starts = range(max(0, end - longest), end)
        if any(start in reached and " ".join(words[start:end]) in phrases for start in starts):
            reached.add(end)
    return bool(words) and len(words) in reached


def holds_any(words: list[str], phrases: frozenset[str]) -> bool:
    """Does any of *phrases* stand in *words*?"""
    lengths = range(1, _longest(phrases) + 1)
    return any(
        " ".join(words[start : start + length]) in phrases
        for length in lengths
        for start in range(len(words) - length + 1)
    )


def ends_with_any(words: list[str], phrases: frozenset[str]) -> bool:
    """Is the end of *words* one of *phrases*?"""
    return any(
        " ".join(words[-length:]) in phrases
        for length in range(1, min(_longest(phrases), len(words)) + 1)
    )
