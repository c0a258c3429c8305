"""The short sentences: what SmolLM2 is asked to write, which of its answers are kept, and how people ask the built-in model
for the like. One sentence about one or two things is what a model of this size does well; longer texts are left out.
A request is (kind, x, y): the topics as they stand in the text, y empty for one topic."""

from __future__ import annotations

import math
import random
import re
from collections import Counter

from conversations import an
from wording import FORBIDDEN
from wordnet import WordNet

Request = tuple[str, str, str]

CONCRETE = {5, 6, 8, 13, 15, 17, 18, 19, 20, 27}
AVOID = set('slave nazi breast suicide murder corpse bomb drug cocaine heroin gun kill killer death devil hell blood weapon rifle pistol urine'.split())
MORE = '''UFO lighthouse robot dragon unicorn spaceship wizard computer internet pizza chocolate guitar cat dog fox rabbit owl penguin elephant star moon sun rain snow GPU laptop phone keyboard program
whale hammer train bicycle teacher river mountain forest bread coffee tea book song friend garden bird horse cloud wind sea boat bridge house school summer winter'''.split()
FEEL = 'happy sad tired bored excited lonely angry hungry worried nervous great sick lazy curious cold stressed proud confused grateful fine'.split()
COUNTS = dict(one=150, two=170, describe=30, use=20, why=16, where=12, feel=2, like=8)  # thousands
MAX_TOKENS = 40

# What SmolLM2 is shown before the request; two or three are drawn for each batch, so that no example leaks into many answers.
SYSTEM = 'You are a friendly assistant. Answer in one short, simple English sentence.'
PROMPTS = dict(one='Write one short sentence about {x}.', two='Write one short sentence about {x} and {y}.', describe='Describe {x} in one short sentence.', use='What can you do with {x}? Answer in one short sentence.',
               why='Why is {x} important? Answer in one short sentence.', where='Where can I find {x}? Answer in one short sentence.', feel='I feel {x} today. Answer in one short friendly sentence.', like='I like {x}. Answer in one short friendly sentence.')
EXAMPLES: dict[str, list[tuple[str, str, str]]] = {
    'one': [('the ferry', '', 'The old ferry carries people across the bay every morning.'), ('sugar', '', 'A little sugar makes bitter coffee sweet.'), ('a violin', '', 'The girl played a slow song on her violin.'),
            ('a blanket', '', 'A warm blanket is the best thing on a cold night.'), ('thunder', '', 'The thunder shook the windows while the children hid under the bed.'), ('a baker', '', 'The baker gets up at four to make fresh bread.')],
    'two': [('a dog', 'me', 'The dog ran beside you all the way to the park.'), ('the moon', 'yourself', 'I would love to watch the moon rise over the quiet sea.'), ('salt', 'the kitchen', 'There is always a jar of salt in the kitchen.'), ('a kite', 'the wind', 'The wind lifted the red kite high above the hill.'),
            ('a spoon', 'yourself', 'I would use a big spoon if I could taste soup.'), ('a nurse', 'an apple', 'The nurse ate a green apple on her break.'), ('a candle', 'us', 'We lit a candle and told stories until midnight.'), ('a snail', 'the gate', 'A small snail crossed the path below the garden gate.')],
    'describe': [('the sea', '', 'The sea is wide, blue and full of waves.'), ('a lemon', '', 'A lemon is a sour yellow fruit with a thick skin.'), ('a desert', '', 'A desert is a dry place with much sand and little rain.'), ('a goat', '', 'A goat is a strong animal with horns and a short beard.')],
    'use': [('a rope', '', 'You can tie things together or climb with a rope.'), ('a bucket', '', 'You can carry water or sand in a bucket.'), ('a pencil', '', 'You can write and draw with a pencil.'), ('flour', '', 'You can bake bread and cakes with flour.')],
    'why': [('rain', '', 'Rain is important because it gives water to plants, animals and people.'), ('sleep', '', 'Sleep is important because the body needs rest.'), ('a map', '', 'A map is important because it shows us the way.'), ('soap', '', 'Soap is important because it keeps our hands clean.')],
    'where': [('a ladder', '', 'You can find a ladder in a garage or a shed.'), ('a shark', '', 'You can find a shark in the ocean.'), ('a menu', '', 'You can find a menu on the table of a restaurant.'), ('moss', '', 'You can find moss on stones in wet forests.')],
    'feel': [('sad', '', 'I am sorry to hear that, and I hope your day gets better soon.'), ('happy', '', 'That is wonderful, enjoy your day!'), ('weak', '', 'Take a rest and drink some water, you will feel better soon.')],
    'like': [('soup', '', 'Soup is a great choice, it is warm and full of flavor!'), ('trains', '', 'Trains are a lovely way to see the country!'), ('ducks', '', 'Ducks are fun to watch on a quiet pond!')],
}
# How people ask the built-in model.
WRITE = 'Write one short sentence about|Write a short sentence about|Write a sentence about|Say something about|Make a sentence about|Make a short sentence about|Tell me something about|Give me a sentence about|One sentence about|I want a sentence about|Compose a sentence about|Write something short about|Can you write a sentence about|Could you write one short sentence about|a sentence about|Think of a sentence about|Invent a sentence about|Write one sentence about'.split('|')
TWO = [f'{t} {{x}} and {{y}}.' for t in WRITE] + ['Write a sentence with {x} and {y}.', 'Use {x} and {y} in one sentence.', 'Put {x} and {y} into one sentence.', 'Make a sentence from {x} and {y}.', 'A sentence with {x} and {y}, please.', 'Tell me something about {x} and {y}.']
WORDINGS: dict[str, list[str]] = dict(
    one=[f'{t} {{x}}.' for t in WRITE], two=TWO,
    describe=['Describe {x}.', 'Describe {x} in one sentence.', 'How would you describe {x}?', 'What does {x} look like?', 'Give me a description of {x}.'],
    use=['What can you do with {x}?', 'What is {x} used for?', 'What can I do with {x}?', 'What is the use of {x}?', 'How can I use {x}?', 'What do people do with {x}?'],
    why=['Why is {x} important?', 'Why do people care about {x}?', 'Why do we need {x}?', 'What is {x} good for?', 'Why is {x} useful?'],
    where=['Where can I find {x}?', 'Where do you find {x}?', 'Where is {x} found?', 'Where would I look for {x}?'],
    feel=['I feel {x} today.', 'I am {x}.', 'I feel {x}.', "I'm {x} today.", 'Today I am so {x}.', 'I am feeling {x}.'], like=['I like {x}.', 'I love {x}.', 'I really like {x}.', 'My favorite thing is {x}.'])
SELF = {'you': 'yourself'}


def requests(wn: WordNet, seed: int = 11) -> list[Request]:
    """Requests, kinds kept together; those with few topics come more than once, for another answer."""
    r = random.Random(seed)
    nouns = [e for e in wn.nouns[:16000] if re.fullmatch('[a-z]{3,12}|[a-z]{3,8} [a-z]{3,8}', e.word) and e.key[0] not in AVOID and wn.best_pos[e.key[0]] == 'n']
    nouns = [e for e in nouns if not FORBIDDEN.search(e.word)]
    concrete = [e.word for e in nouns if wn.synsets[e.senses[0]].file in CONCRETE]
    single = [e.word for e in nouns]

    def pick() -> str:
        z = r.random()
        words = MORE if z < .08 else concrete if z < .72 else single
        return words[int(len(words) * (r.random() if words is MORE else r.random() ** 1.7))]

    def counted(word: str) -> bool:
        e = wn.entries.get((word.lower(), 'n'))
        return wn.countable.get(word, .2 if e is None or wn.synsets[e.senses[0]].file not in (12, 13, 27) else 0) >= .12

    def topic() -> str:
        word, z = pick(), r.random()
        if not counted(word):
            return word if z < .7 else f'the {word}'
        return an(word) if z < .5 else f'the {word}' if z < .8 else word

    def make(kind: str) -> Request:
        match kind:
            case 'two':
                return kind, topic(), r.choice(('you', 'me', 'us', 'you')) if r.random() < .25 else topic()
            case 'feel':
                return kind, r.choice(FEEL), ''
            case 'why':
                return kind, pick(), ''
            case _:
                return kind, topic(), ''

    out: list[Request] = []
    for kind, thousands in COUNTS.items():
        seen: dict[Request, None] = {}
        for _ in range(thousands * 1000):
            seen[make(kind)] = None
        out += list(seen) * {'feel': 25, 'two': 1}.get(kind, 2)
    # What people like to try: most answers to these are refused, so there are many.
    return out + [('two', form, 'you') for word in MORE for form in (an(word) if counted(word) else word, f'the {word}', word)] * 10


def prompt(request: Request) -> str:
    """What SmolLM2 is asked."""
    kind, x, y = request
    return PROMPTS[kind].format(x=x, y=SELF.get(y, y))


def ask(r: random.Random, request: Request) -> str:
    """A core that `Wording.dress` takes; the topics are in it already."""
    kind, x, y = request
    return r.choice(WORDINGS[kind]).format(x=x, y=y)


def stem(word: str) -> str:
    return word.lower()[:max(3, len(word) - 2)]


def keep(results: list[tuple[Request, str]]) -> tuple[list[tuple[Request, str]], Counter[str]]:
    """The answers that are one clean sentence on the topic, each once; and why the others are not."""
    out, why, seen = [], Counter(), set()
    for request, text in results:
        text = text.strip().replace('’', "'").replace('“', '"').replace('”', '"')
        reason = fault(request, text) or ('again' if text in seen else '')
        why[reason or f'kept {request[0]}'] += 1
        if not reason:
            seen.add(text)
            out.append((request, text))
    return out, why


def typical(kept: list[tuple[Request, str]], texts: list[str], share: float = .5) -> list[tuple[Request, str]]:
    """
    The more usual answers of each kind, by the mean log probability of their pairs of words in all answers and `texts`:
    sampling far from the likely leaves sentences that say nothing sensible.
    """
    split = lambda text: ['.', *re.findall("[a-z']+|[.,!]", text.lower())]
    pairs, singles = Counter(), Counter()
    for text in [t for _, t in kept] + texts:
        words = split(text)
        singles.update(words)
        pairs.update(zip(words, words[1:]))
    total = sum(singles.values())

    def score(text: str) -> float:
        words = split(text)
        return sum(math.log((pairs[a, b] - 1 + 4 * singles[b] / total) / (singles[a] + 3)) for a, b in zip(words, words[1:])) / (len(words) - 1)

    out: list[tuple[Request, str]] = []
    for kind in COUNTS:
        own = sorted(((score(t), q, t) for q, t in kept if q[0] == kind), reverse=True)
        out += [(q, t) for _, q, t in own[:max(1, int(len(own) * share))]]
    return out


def fault(request: Request, text: str) -> str:
    kind, x, y = request
    words = re.findall(r"[a-z']+", text.lower())
    if not 4 <= len(words) <= 22:
        return 'length'
    if not text.isascii() or not re.fullmatch(r'[A-Z][^.!?\n:;"()\[\]0-9]*[.!]', text):
        return 'form'
    if re.search(r"AI\b|language model|assist|SmolLM|Hugging|phrase|sentence|sorry, but|as an|\bsex|\bkill|\bdie[ds]?\b|dead", text, re.I) and kind != 'feel':
        return 'manner'
    for topic in (x, y):
        head = topic.split(' ')[-1]
        if topic in ('you', 'me', 'us'):
            if not re.search(r"\b(I|I'm|I'd|me|my|we|our|us|you|your)\b" if topic != 'you' else r"\b(I|I'm|I'd|me|my|we|our|us)\b", text):
                return 'topic'
        elif topic and kind not in ('feel', 'like') and stem(head) not in text.lower():
            return 'topic'
    heads = [t.split(' ')[-1] for t in (x, y) if t and t not in SELF]
    if kind in ('one', 'two') and re.search(rf"\b({'|'.join(map(re.escape, heads))}) (was|were|is) (a|an|the|my|your|me|you)\b", text) and not (kind == 'one' and ' is ' in text):
        return 'emptiness'
    if y == 'you' and (re.search(r'\b(you|your)\b', text) or not re.match(r"(I|I'd|I'm|I've|My|We|When I|If I|One day)\b(?! (was|am) (a|an|the)\b)", text)):
        return 'topic'
    content = [stem(v) for v in words if len(v) > 3]
    if len(content) != len(set(content)):
        return 'repetition'
    if kind in ('use', 'where') and not text.startswith(('You can', 'People', 'A ', 'An ', 'The ', 'It', x[:1].upper())):
        return 'manner'
    return ''
