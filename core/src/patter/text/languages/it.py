"""Italian."""

from __future__ import annotations

from patter.text.languages.rules import LanguageRules

RULES = LanguageRules(
    never="""
    p.es es ca cfr vs max min incl c.ca sig sigg sig.ra sig.na sig.ri dott dr dr.ssa
    dott.ssa prof prof.ssa avv ing arch geom rag cav comm on mons don gen col cap ten
    spett gent egr
    """,
    names="""
    s st v c.so p.za p.zza p.le l.go via vic str fraz loc spa s.p.a s.r.l srl soc f.lli jr
    """,
    tail="ecc etc a.c d.c h min sec",
    numbers="n nr num no nº pag pagg p pp art artt vol tel fig cap int ext",
    months="gen feb mar apr mag giu lug ago set sett ott nov dic",
    weekdays="lun mar mer gio ven sab dom",
    times="lunedì martedì mercoledì giovedì venerdì sabato domenica",
    starters="""
    il lo la i gli le l un uno una questo questa questi queste quello quella quelli quelle io tu
    lui lei noi voi loro mi ti si ci vi mio mia suo sua nostro nostra vostro vostra chi che cosa
    quale quali quando quanto quanta dove come perché e ed o ma però se sì no non né anche ancora
    già poi dopo prima allora quindi inoltre oggi domani ieri adesso ora qui qua lì là di a da in
    con su per tra fra del della dei delle al alla nel nella sul sulla è sono era ho hai ha
    abbiamo avete hanno può possono posso possiamo vuole desidera serve c grazie buongiorno
    buonasera ciao bene certo scusi molto più meno tutto tutta tutti tutte ogni altro altra
    nessun nessuna chiami venga aspetti prema dica vada prenda giri chieda apra
    """,
)
