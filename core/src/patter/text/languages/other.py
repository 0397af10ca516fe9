"""Languages with few abbreviations in speech, and those whose ordinals end in a period."""

from __future__ import annotations

from patter.text.languages.rules import LanguageRules

HINDI = LanguageRules(names="डॉ श्री श्रीमती सुश्री प्रो पं मो", numbers="नं सं क्र पृ", never="जैसे")
ARABIC = LanguageRules(names="د أ م ا.د أ.د", numbers="ص رقم", tail="إلخ الخ ص م")
RUSSIAN = LanguageRules(
    never="т.е т.к т.н напр см ср ок",
    names="г-н г-жа д-р проф акад им ул пр просп пл пер наб св им гр инж ген полк",
    tail="т.д т.п др пр г гг в вв руб коп тыс млн млрд ч мин сек чел",
    numbers="стр с рис табл гл п пп ст тел д кв корп этаж №",
    months="янв фев мар апр июн июл авг сен сент окт ноя дек",
)
ORDINALS = LanguageRules(ordinals=True)
