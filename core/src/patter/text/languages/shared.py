"""Abbreviations that are no words of another language: names travel between languages."""

from __future__ import annotations

from patter.text.languages.rules import LanguageRules

SHARED = LanguageRules(
    never="""
    e.g i.e cf viz vs bzw ggf evtl inkl exkl z.b d.h u.a p.ej p.ex p.es bijv d.w.z m.b.t
    np tzn tzw mr mrs ms drs prof gen sen rep lt capt col cpl sgt maj adm cmdr rev hon
    pres gov messrs sig sigg dott avv ing arch geom rag sra srta lic arq hr fr frl dipl
    phil mme mlle mm exmo exma dhr mevr mw
    """,
    names="""
    dr st mt ft jr sr esq med sr.a inc ltd corp co llc bros gmbh
    """,
    tail="etc usw usf ecc enz itd itp a.m p.m a.u.b",
    numbers="nos nr num núm art p pp pg pag pág vol fig tel ext",
)
