"""Spanish."""

from __future__ import annotations

from patter.text.languages.rules import LanguageRules

RULES = LanguageRules(
    never="""
    p.ej ej aprox cf vs incl máx mín sr sra srta sres sras dr dra drs dras dn dña lic
    licda ing arq prof profa mtro mtra gral cnel cap tte sgto mons fr rvdo sto sta
    """,
    names="""
    d da san av avda avd ave c cl blvd pza plza pl pº ctra urb col depto dpto dto cía cia
    ltda inc hnos ee.uu uu ee s.a s.l jr
    """,
    tail="etc ud uds vd vds a.m p.m a.c d.c h hs hrs min seg",
    numbers="nº n.º núm num no n pág págs pag p pp art cap vol tel tfno tlf ext fig km",
    months="ene feb mar abr may jun jul ago sep sept set oct nov dic",
    weekdays="lun mar mié mie jue vie sáb sab dom",
    times="gmt utc cet lunes martes miércoles jueves viernes sábado domingo",
    starters="""
    el la los las lo un una unos unas este esta esto estos estas ese esa eso esos esas aquel
    aquella yo tú usted ustedes él ella ellos ellas nosotros mi mis su sus tu tus nuestro nuestra
    me te se le les nos qué quién cuál cuándo cuánto cuánta dónde cómo por para con sin de del a
    al en desde hasta sobre entre tras y e o u pero porque pues si sí no ni también tampoco ya
    aún todavía ahora luego después antes entonces además hoy mañana ayer aquí ahí allí
    es son era fue está están hay ha han tiene tienen tenemos puede pueden podemos puedo
    quiere desea necesita gracias hola bueno buenos buenas claro perdón disculpe lamento
    muy más menos todo toda todos todas otro otra cada cualquier algún alguna ningún ninguna
    llame venga espere pulse marque diga dígame vaya tome gire siga pregunte abra presione
    """,
)
