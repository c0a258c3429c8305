"""A little English grammar: capitals, the indefinite article, plurals."""

IRREGULAR = dict(child='children', foot='feet', tooth='teeth', goose='geese', mouse='mice', man='men', woman='women', person='people', ox='oxen', louse='lice',
                 knife='knives', wife='wives', life='lives', leaf='leaves', half='halves', wolf='wolves', loaf='loaves', shelf='shelves', thief='thieves', calf='calves', sheep='sheep', fish='fish', deer='deer')


def cap(text: str) -> str:
    return text[:1].upper() + text[1:]


def an(words: str) -> str:
    """`words` with the indefinite article that its sound takes."""
    low = words.lower()
    vowel = (low[0] in 'aeio' and not low.startswith(('one', 'eu', 'once'))) or (low[0] == 'u' and not low.startswith(('uni', 'use', 'usu', 'ufo', 'uran', 'ute', 'uku', 'utop', 'uro'))) or low.startswith(('hour', 'honest', 'heir', 'honor'))
    return ('an ' if vowel else 'a ') + words


def plural(words: str) -> str:
    head, _, last = words.rpartition(' ')
    low = last.lower()
    for end in IRREGULAR:
        if low == end or (end in ('man', 'woman', 'child', 'foot', 'tooth') and low.endswith(end) and low not in ('human', 'german', 'roman')):
            many = last[:len(last) - len(end)] + IRREGULAR[end]
            break
    else:
        if low.endswith(('s', 'x', 'z', 'ch', 'sh')):
            many = last + 'es'
        elif low.endswith('y') and low[-2:-1] not in tuple('aeiou'):
            many = last[:-1] + 'ies'
        else:
            many = last + 's'
    return f'{head} {many}'.strip()
