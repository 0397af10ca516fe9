"""Portuguese."""

from __future__ import annotations

from patter.text.languages.rules import LanguageRules

RULES = LanguageRules(
    never="""
    p.ex ex aprox cf vs máx mín incl sr sra srs sras srta dr dra drs dras dna eng engª
    enga arq prof profa profª exmo exma ilmo ilma v.exa v.ex gen cel cap ten sgt mons pe
    fr sto sta
    """,
    names="""
    d exa s r av al tv trav pç pça lg est rod ltda cia s.a lda inc jr
    """,
    tail="etc h hs min seg a.c d.c",
    numbers="nº n.º n no núm num pág págs p pp art cap vol tel telef fig ap apt km",
    months="jan fev mar abr mai jun jul ago set out nov dez",
    weekdays="seg ter qua qui sex sáb sab dom",
    times="segunda terça quarta quinta sexta sábado domingo",
    starters="""
    o a os as um uma uns umas este esta isto estes estas esse essa isso esses essas aquele aquela
    eu tu ele ela nós eles elas você vocês meu minha seu sua nosso nossa me se lhe que quem qual
    quais quando quanto quanta onde como por porque para pra com sem de do da dos das em no na
    nos nas ao à até desde sobre entre e ou mas se sim não nem também já ainda agora depois antes
    então além hoje amanhã ontem aqui aí ali lá é são era foi está estão há tem têm temos pode
    podem podemos posso quer deseja precisa obrigado obrigada olá bom boa bem claro desculpe
    muito mais menos tudo todo toda todos todas outro outra cada algum alguma nenhum nenhuma
    ligue venha espere aperte diga vá pegue vire pergunte abra
    """,
)
