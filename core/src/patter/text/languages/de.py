"""German: nouns have capitals, so a capital alone does not begin a sentence."""

from __future__ import annotations

from patter.text.languages.rules import LanguageRules

RULES = LanguageRules(
    never="""
    z.b d.h u.a u.u i.d.r z.t z.zt v.a o.ä s.o s.u i.a m.e d.i bzw bspw beispielsw ca evtl
    ggf ggfs inkl exkl zzgl abzgl bzgl gem sog vgl vs max min mind höchst insb insbes allg
    betr ehem entspr gegr geb gest spez urspr zw einschl ausschl möbl tägl wöchentl monatl
    jährl zuz versch z.hd zhd v.chr n.chr hr hrn fr frl dr prof dipl ing mag med phil jur
    rer nat habil dres st skt
    """,
    names="""
    pfr pf str pl chr friedr joh kath ev abt dept gmbh ag co fa verw std sek tel
    """,
    tail="usw usf etc u.s.w o.g v.u.z gez jh jhd jhdt",
    numbers="mwst fn nr nrn art abs abschn bd kap s ziff par tel hnr fig abb tab zi plz aufl",
    months="jan jän feb mär mrz apr jun jul aug sep sept okt nov dez",
    weekdays="mo di mi do fr sa",
    times="uhr mez mesz montag dienstag mittwoch donnerstag freitag samstag sonntag",
    starters="""
    der die das den dem des ein eine einen einem einer eines dies diese dieser dieses jene jener
    ich du er sie es wir ihr man mein meine dein deine sein seine unser unsere ihre ihren ihrem
    wer wen wem wessen was wann wo wohin woher warum weshalb wieso wie welche welcher welches
    und oder aber denn doch sondern sowie auch nicht nur noch schon sehr so dann danach davor
    dazu dort hier heute morgen gestern jetzt nun bald später zuerst zunächst außerdem leider
    natürlich gerne gern bitte danke ja nein gut vielen vielleicht deshalb daher trotzdem
    wenn falls ob weil da dass als bevor nachdem während bis seit ab an am auf aus bei beim für
    im in mit nach ohne über um unter von vor zu zum zur
    ist sind war waren bin bist seid wird werden würde würden wurde hat haben hatte hätte hätten
    habe kann können könnte könnten soll sollen sollte darf dürfen dürfte muss müssen müsste
    möchte möchten mögen mag will wollen wollte brauche brauchen passt geht gibt
    gehen geben nehmen kommen sagen rufen warten drücken nennen bringen wählen fragen
    alle alles andere beide einige etwas jede jeder jedes kein keine keiner mehr viele wenige
    hallo guten auf tschüss entschuldigung moment
    """,
    endings="str",
    ordinals=True,
)
