"""French."""

from __future__ import annotations

from patter.text.languages.rules import LanguageRules

RULES = LanguageRules(
    never="""
    p.ex ex cf env vs max min c.-à-d c.à.d av apr j.-c quelq m mm mme mmes mlle mlles mgr
    dr drs pr prof st ste sts ing gén cap col lt
    """,
    names="""
    me mes bd boul bld all ch imp pl rte r fg fbg résid bât esc appt cie ets éts sté inc
    ltée jr
    """,
    tail="etc h min sec s.a s.v.p svp",
    numbers="n no nº num art p pp pag vol tél tel fig chap ext",
    months="janv févr fév avr juil sept oct nov déc",
    weekdays="lun mar mer jeu ven sam dim",
    times="lundi mardi mercredi jeudi vendredi samedi dimanche",
    starters="""
    le la les l un une des du de d ce cet cette ces c ça cela ceci je j tu il elle on nous vous
    ils elles mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs qui que qu quoi quel
    quelle quels quelles quand où comment pourquoi combien et ou mais donc car ni or si sinon
    puis ensuite alors aussi après avant pendant depuis dès à au aux en dans par pour sans sous
    sur vers avec chez entre est sont était êtes ai as a avons avez ont peut pouvez pouvons puis
    voulez souhaitez avez faut y voici voilà merci bonjour bonsoir oui non d'accord bien très
    plus moins tout toute tous toutes chaque aucun aucune autre autres aujourd demain hier
    maintenant ici là désolé désolée pardon appelez venez attendez appuyez dites allez prenez
    tournez demandez composez ouvrez
    """,
)
