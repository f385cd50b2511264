"""Closed lists of English words that tell how a question is put together. Reads no texts."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.split()))


VERBS = _words(
    """
    have has had make made do did does get got give gave take took hold held win won build
    built set sign signed visit visited report create created hire hired expect expected run
    ran start started begin began lead led head heads open opened use used found founded
    establish established cover covered serve served solve solved resolve resolved help
    helped award awarded raise raised attract attracted bring brought call called name named
    plan planned launch launched receive received provide provided offer offered include
    included contain sell sold buy bought pay paid cost spend spent train trained select
    selected send sent go went come came become became live lived work worked need needed
    want say said tell told play played write wrote mean stand organize organise organized
    develop developed produce produced grow grew move moved change changed collect collected
    appoint assign commend complete finish invest recruit introduce implement adopt form
    exist operate belong consist happen occur
    """
)
"""Verbs that may end a noun phrase."""

PREPOSITIONS = _words(
    """
    by with from to at on into onto under over as since until after before during when while
    because if that who which
    """
)
"""Prepositions and conjunctions that end one."""

PROPERTIES = _words(
    """
    number amount population area size cost price budget total name address location date
    time reason purpose goal head leader director president chairman chairwoman headquarters
    mayor author founder owner result effect impact length height width weight age color
    colour capital
    """
)
"""Nouns for a property of something else."""

KINDS = _words(
    """
    district county city zone province town village university college school company group
    hospital bank institute center centre park association alliance committee street
    subdistrict region state country
    """
)
"""Nouns that end a name, as in Jiyang District."""

LIGHT_WORDS = _words(
    """
    not in on of to for at by from with many much long often big far high old large more
    most else all total exactly people employees staff members companies workers year month
    day date time place start started begin began end ended happen happened work works
    located based founded built created established called named done made used cost paid
    lead leads led head heads headed run runs run ran manage manages managed organize
    organizes organized organise organises organised responsible charge involved took part
    participated joined won reason purpose goal result results name address total area size
    price budget leader director the a an last first begins starts launched opened up set so
    fast quickly soon kind kinds sort type types there other others
    """
)
"""Words that say nothing of what a question is about."""
