"""Dutch."""

from __future__ import annotations

from patter.text.languages.rules import LanguageRules

RULES = LanguageRules(
    never="""
    bijv bv d.w.z m.b.t o.a i.p.v t.a.v t.g.v t.o.v i.v.m m.a.w n.a.v o.l.v z.s.m ca evt
    incl excl resp vgl vs max min m.u.v o.i.d zgn dhr mevr mw mej dr drs ir ing mr mrs
    prof ds gen kol kap lt
    """,
    names="""
    past st str pl ln gebr fa afd b.v n.v nv jr
    """,
    tail="enz etc e.d a.u.b s.v.p aub svp n.m v.m u min sec",
    numbers="nr nrs no art p pp blz pag hfst deel tel fig toest",
    months="jan feb mrt apr jun jul aug sep sept okt nov dec",
    weekdays="ma di wo do vr za zo",
    times="maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    starters="""
    de het een deze dit die dat ik jij je hij zij ze wij we jullie u uw mijn zijn haar ons onze
    hun wie wat wanneer waar waarom hoe welke en of maar want dus ook niet nog al dan daarna
    daarvoor hier daar vandaag morgen gisteren nu straks later eerst verder helaas natuurlijk
    graag alstublieft dank bedankt ja nee goed misschien daarom als indien omdat voordat nadat
    terwijl tot sinds vanaf aan bij door in met na naar om onder op over te tegen uit van voor
    zonder is zijn was waren ben bent wordt worden heeft hebben had kan kunnen kunt zal zullen
    zou mag mogen moet moeten wil wilt willen er alle alles andere beide elk elke geen iedere meer
    veel sommige hallo dag sorry bel kom wacht druk zeg ga neem kies vraag
    """,
)
