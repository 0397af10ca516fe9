"""English."""

from __future__ import annotations

from patter.text.languages.rules import LanguageRules

RULES = LanguageRules(
    never="""
    e.g i.e cf viz vs approx incl excl resp esp mr mrs ms mx drs prof gen sen rep lt capt
    cpt col cpl sgt maj adm cmdr rev fr hon pres gov supt det insp messrs mmes
    """,
    names="""
    dr sec treas sir st mt ft pt hwy rte jr sr esq al inc ltd corp co llc plc bros assn
    dept univ inst mfg intl natl dist div govt yahoo ave blvd rd ln ct pl pkwy sq terr cir
    bldg
    """,
    tail="etc a.m p.m am pm b.c a.d",
    numbers="""
    no nos nr p pp pg pgs par para ch chap sec vol vols art fig figs ext ste apt rm tel ph max min
    est dept ft ca fn approx ver mins hr hrs sec secs yr yrs oz lb lbs kg km mi
    """,
    clipped="in temp appt avg misc approx cont info intro orig prev hosp mgmt elev reg res rec",
    months="jan feb mar apr jun jul aug sep sept oct nov dec",
    weekdays="mon tue tues wed weds thu thur thurs fri sat sun",
    times="""
    est edt cst cdt mst mdt pst pdt et ct mt pt gmt utc bst cet cest ist akst hst eastern central
    mountain pacific atlantic greenwich standard local monday tuesday wednesday thursday friday
    saturday sunday january february march april june july august september october november
    december suite ste apt apartment unit floor room rm building bldg north south east west
    northeast northwest southeast southwest n s e w ne nw se sw
    """,
    starters="""
    the a an this that these those there here it its he his she her hers they their them we our
    us you your yours i my mine who whom whose what when where which why how if then than once
    so but and or nor yet also although though because since while until unless after before
    during as at by for from in into of off on onto out over to under up upon with without
    is isn are aren was wasn were weren am do don does doesn did didn has hasn have haven had
    can cannot could couldn would wouldn shall should shouldn might must let please thank thanks
    yes no not none nothing nobody ok okay sure sorry hello hi hey goodbye bye good great right
    well now today tomorrow tonight yesterday later soon next first second third finally last
    otherwise however instead meanwhile maybe perhaps another any anyone anything all both each
    every everyone everything either neither many more most some someone something several such
    just only even still again always never often usually sometimes actually unfortunately
    ask bring buy call check choose click come dial enter find follow get give go head hold keep
    leave listen look make meet move open pay pick press put read say see send show sign speak
    start stay stop take talk tell text try turn use visit wait walk write
    """,
)
