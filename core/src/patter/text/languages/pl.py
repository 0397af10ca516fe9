"""Polish."""

from __future__ import annotations

from patter.text.languages.rules import LanguageRules

RULES = LanguageRules(
    never="""
    np tzn tj tzw m.in ok ew wg ws dot zob por ww wzgl max min vs dr prof mgr inż hab lek
    doc ks św bł gen płk mjr kpt
    """,
    names="""
    p pp ul al pl os płd płn woj pow gm im sp z.o.o s.a inc dyr red śp
    """,
    tail="itd itp etc r w godz min sek tys mln zł gr m.st n.e p.n.e",
    numbers="nr s str art ust pkt poz tel wew t rozdz rys tab godz ok",
    months="sty lut mar kwi maj cze lip sie wrz paź lis gru",
    weekdays="pon wt śr czw pt sob niedz ndz",
    times="poniedziałek wtorek środa czwartek piątek sobota niedziela",
    starters="""
    ten ta to te ci tamten tamta ja ty on ona ono my wy oni one pan pani państwo mój moja nasz
    nasza pana jego jej ich kto co kiedy gdzie dlaczego jak jaki jaka jakie który która które ile
    czy i a oraz lub albo ale więc bo jeśli jeżeli gdy że żeby także też nie tak już jeszcze teraz
    potem następnie najpierw dzisiaj dziś jutro wczoraj tu tutaj tam niestety oczywiście może
    proszę dziękuję dzień dobry dobrze w we na z ze do od po za przed przy pod nad o u dla bez
    jest są był była było będzie mam masz ma mamy macie mają mogę można chce chcesz potrzebuje
    wszystko wszyscy każdy każda inny żaden bardzo więcej mniej cześć przepraszam
    """,
    ordinals=True,
)
