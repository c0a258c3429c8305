"""Conversations about words, made from WordNet: definitions, kinds, synonyms, opposites, examples, follow-ups, small sums,
greetings, and what the model says that it does not know. A conversation is (system prompt or None, [(request, answer), …]).
Answers are a function of what is asked, so that only the wording is random; yes/no answers give the reason first, since a
model of one pass cannot know the answer before it has walked the chain of kinds."""

from __future__ import annotations

import hashlib
import itertools
import random
import re
from bisect import bisect

import wording as w
from wordnet import POS_NAMES, Entry, WordNet

Turn = tuple[str, str]
Conversation = tuple[str | None, list[Turn]]

UNKNOWN = "I don't know that; I know words and can write short sentences."
CANNOT = "I can't do that; I know words and can write short sentences."
WHO_I_AM = 'I am lexicon, the small model built into weft. I know words and can write short sentences.'
SYSTEM = ['You are a helpful assistant.', 'You are lexicon, a small language model.', 'Answer briefly.', 'You are a helpful AI assistant.', 'Be concise.', 'You are a dictionary.', 'Be friendly.']
GREETINGS: list[tuple[str, str]] = [
    ('Hello!|Hello|Hello there|Good day|Hello lexicon|Hallo|Greetings', 'Hello! How can I help you today?'), ('Hi|Hi!|hi there|Hi lexicon|Hi, how is it going?|yo', 'Hi! What would you like to know?'),
    ('hey|Hey!|Hey there|Hey you', 'Hey! What can I do for you?'), ('Good morning|Good morning!', 'Good morning! How can I help you?'), ('Good evening!|Good evening', 'Good evening! How can I help you?'),
    ('How are you?|How are you doing?|How do you do?|how are you today|How do you feel?', 'I am doing well, thank you. How can I help you?'), ('Thanks!|Thank you|Thanks a lot|Thank you very much!|thx|Great, thanks|That helps, thank you', 'You are welcome!'),
    ('Bye|Goodbye!|See you|Good night|bye bye|Goodbye lexicon', 'Goodbye! Have a nice day.'), ('Are you there?|Anybody there?|Test|ping|Can you hear me?', 'Yes, I am here.'), ('Nice to meet you.|Pleased to meet you', 'Nice to meet you too!'),
    ('What can you do?|Help|What can I ask you?|What do you know?|How can you help me?|What are you good at?|help me|What do I do here?', 'I can define words, name synonyms and opposites, say what is a kind of what, and write short sentences.'),
]
WHO = '''Who are you?|What are you?|who are you|What's your name?|What is your name?|Tell me about yourself.|Introduce yourself.|Are you an AI?|Which model are you?|What model is this?|Who made you?|Are you a robot?|Are you human?|What is this?|Do you have a name?
What kind of model are you?|How big are you?|Say who you are.|Am I talking to a machine?|Who am I talking to?|Are you ChatGPT?'''.replace('\n', '|').split('|')
FACTS_NAME = '''What is the capital of {n}?|Name the capital of {n}.|capital of {n}|Which city is the capital of {n}?|Who is {n}?|Who was {n}?|Where is {n}?|When was {n} born?|When did {n} die?|How old is {n}?|What is the population of {n}?|How many people live in {n}?|Who is the president of {n}?|Where was {n} born?
What did {n} do?|Tell me about {n}.|What is {n} famous for?|How far is {n}?|How far is {n} from {m}?|Who discovered {n}?|What language do they speak in {n}?|Where does {n} live?|Is {n} bigger than {m}?|Who is older, {n} or {m}?|What is {n}?|Why is {n} famous?|When was {n} founded?|In which country is {n}?|What happened in {n}?|Who rules {n}?
Who wrote {n}?|How tall is {n}?|What currency is used in {n}?|Did {n} know {m}?|Have you been to {n}?|How do I get to {n}?|Which river flows through {n}?|Who married {n}?|What's the capital city of {n}?|what is the capital of {n}'''.replace('\n', '|').split('|')
FACTS_WORD = '''Who invented the {x}?|When was the {x} invented?|How much does a {x} cost?|What is the price of {x}?|Who was the first {x}?|How many kinds of {x} are there in the world?|Where was the first {x} made?|Who owns the biggest {x}?|How much does a {x} weigh?|What year was the {x} discovered?|Which country has the most {x}?|Who is the best {x}?|How long does a {x} live?'''.replace('\n', '|').split('|')
FACTS = '''What time is it?|What's the weather like?|What is the weather today?|What day is it today?|What is the date?|Who won the world cup?|Who is the president?|Who is the king of England?|What happened in {year}?|What happened in the year {year}?|Who won the war in {year}?|When did the war end?|How many people are there?|What is the highest mountain?|What is the longest river?|How many planets are there?
Who wrote the Bible?|How far is the moon?|How old am I?|What is my name?|Where do I live?|What did I do yesterday?|What is the meaning of life?|What is the news?|Who is the richest man?|What will happen tomorrow?|Which team won in {year}?|Who was born in {year}?|What is the best film of {year}?|How do I fix my car?|What should I cook tonight?|When is Easter?|Where is my phone?|What is the stock price?|Who was president in {year}?|What is the speed of light?|Can you search the web?'''.replace('\n', '|').split('|')
TASKS = '''Tell me a story about {a}.|Tell me a short story.|Write a story about {a}.|Write a poem about {x}.|Write a short poem about {a}.|Tell me a joke.|Tell me a joke about {xs}.|Translate {x} to French.|What is {x} in German?|How do you say {x} in Spanish?|Write a letter to {a}.|Write an essay about {x}.|Write a long text about {x}.|Give me three facts about {xs}.|Write code for {a}.|Write a program.|Draw {a}.|Sing a song about {x}.|Give me a recipe for {x}.
Write an email about {x}.|Summarize this text.|List ten facts about {x}.|Write a paragraph about {x}.|Write a book about {x}.|Play a game with me.|Write a Python function.|Tell me a fairy tale.|Make a plan for my day.|Write two paragraphs about {x}.|Correct my text.|Show me a picture of {a}.|Write a song.|Translate this.|Write a speech about {x}.|Solve this equation.|Write ten sentences about {x}.|Explain quantum physics in detail.'''.replace('\n', '|').split('|')

# What articles need: nouns that take none although their definitions begin like those that do.
MASS = set('food equipment clothing furniture information knowledge cloth material water wood money music art work energy matter power force quality state activity behavior conduct time space condition meat sugar metal paper'.split())
MASS_FILES = {7, 12, 13, 27}
DETERMINED = ('a ', 'an ', 'any ', 'the ', 'one ', 'someone ', 'something ', 'anyone ', 'all ', 'each ', 'either ', 'some ', 'that ', 'those ', 'what ')
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


def held_pair(lemma: str, kind: str) -> bool:
    """A sixth of the yes/no pairs is kept for scores."""
    return int(hashlib.md5(f'{lemma}|{kind.lower()}'.encode()).hexdigest()[:8], 16) % 100 < 17


class Weighted:
    """Draws items by weight."""

    def __init__(self, items: list[Entry]) -> None:
        self.items = items
        self.sums = list(itertools.accumulate(e.weight for e in items))

    def draw(self, r: random.Random) -> Entry:
        return self.items[bisect(self.sums, r.random() * self.sums[-1])]


class Conversations:
    def __init__(self, wn: WordNet) -> None:
        self.wn = wn
        adverbs = [e.word for e in wn.taught if e.key[1] == 'r' and e.key[0].endswith('ly') and e.score > .3]
        self.examples = {e.key: x for e in wn.taught if (x := wn.example(e))}
        self.wording = w.Wording(adverbs, sorted({x for x in self.examples.values() if len(x) < 50 and x[-1] == '.'}))
        self.entries = Weighted(wn.taught)
        self.with_synonyms = Weighted([e for e in wn.taught if wn.synonyms(e)])
        self.with_example = Weighted([e for e in wn.taught if e.key in self.examples])
        self.opposites = [e for e in wn.taught if e.key in wn.antonyms and wn.best_pos[e.key[0]] == e.key[1]]
        self.without_opposite = [e for e in wn.taught[:12000] if not wn.all_antonyms(e.key[0])]
        self.without_synonym = [e for e in wn.taught[:12000] if not wn.all_synonyms(e.key[0])]
        self.pairable = [e for e in wn.nouns[:12000] if wn.chain(e.key[0])]
        self.kinds = [k for e in self.pairable[:8000] for k in wn.chain(e.key[0])[:5]]
        self.examples_of = [i for i in wn.names if len(self._children(i)) >= 3]
        self.simple = [e.key[0] for e in wn.nouns[:6000] if re.fullmatch('[a-z]{3,12}', e.word)]
        self.answers: dict[tuple[str, str], str] = {}

    # What is said.

    def counted(self, e: Entry) -> bool:
        """Whether a noun takes the indefinite article."""
        share = self.wn.countable.get(e.key[0])
        if share is not None and ' ' not in e.key[0]:
            return share >= .12
        file = self.wn.synsets[e.senses[0]].file
        return file not in MASS_FILES and self.wn.definition(e).startswith(('a ', 'an ', 'any ', 'one ', 'someone')) or file in (5, 6, 18)

    def article(self, e: Entry) -> str:
        if e.word[0].isupper() and not e.word.isupper():
            return e.word
        return an(e.word) if self.counted(e) else e.word

    def article_of(self, name: str) -> str:
        e = self.wn.entries.get((name.lower(), 'n'))
        return self.article(e) if e else an(name)

    def phrase(self, e: Entry, sense: int = 0) -> str | None:
        """The definition as what «… is» may precede, or None: an article is put before a noun that names an ancestor."""
        text = self.wn.definition(e, sense)
        if text.startswith(DETERMINED):
            return text
        above = {n.lower().split(' ')[-1] for i in self.wn.ancestors(e.key[0]) for n in self.wn.synsets[i].words} if sense == 0 else set()
        words = [x.strip(',;') for x in text.split(' ')]
        for i, word in enumerate(words[:7]):
            if word in above and word not in MASS and (i + 1 == len(words) or words[i + 1] not in above):
                return an(text) if re.match('[a-z]', text) else None
            if word in ('of', 'with', 'that', 'which', 'and', 'or', 'in', 'for', 'to', 'by'):
                return None
        return None

    def define(self, e: Entry) -> str:
        if e.key not in self.answers:
            phrase = self.phrase(e) if e.key[1] == 'n' else None
            self.answers[e.key] = f'{cap(self.article(e))} is {phrase}.' if phrase else f'{cap(e.word)} ({POS_NAMES[e.key[1]]}): {self.wn.definition(e)}.'
        return self.answers[e.key]

    def synonyms(self, e: Entry) -> str:
        return f'Synonyms of {e.word}: {", ".join(self.wn.synonyms(e))}.'

    def opposite(self, e: Entry) -> str:
        return f'The opposite of {e.word} is {self.wn.antonyms[e.key][0]}.'

    def kind_answer(self, lemma: str, kind: str, truth: bool) -> str:
        """«A dog is a kind of canid, …, so yes.»: the chain up to `kind`, or all of it."""
        chain = self.wn.chain(lemma)
        if truth and kind not in chain:
            chain = next(c for i in sorted(self.wn.ancestors(lemma)) if self.wn.names.get(i) == kind and kind in (c := self.wn.chain(lemma, i)))
        steps = []
        subject = self.article(self.wn.entries[lemma, 'n'])
        for name in chain:
            steps.append(f'{subject} is a kind of {name}')
            subject = self.article_of(name)
            if name == kind:
                break
        return f'{cap(", ".join(steps))}, so {"yes" if truth else "no"}.'

    def _children(self, i: str) -> list[str]:
        found = {self.wn.names[c] for c in self.wn.children[i] if c in self.wn.names}
        known = [n for n in found if self.wn.entries[n.lower(), 'n'].score > 1]
        return sorted(known, key=lambda n: (-self.wn.entries[n.lower(), 'n'].score, n))[:4]

    # What is asked.

    def fill(self, r: random.Random, text: str, e: Entry, **more: str) -> str:
        """Puts the word of `e` into a dressed wording, with the liberties that people take."""
        word, pos = e.word, POS_NAMES[e.key[1]]
        if r.random() < .05:
            word = word.lower()
        elif r.random() < .03:
            word = cap(word)
        elif r.random() < .04:
            word = f'"{word}"' if r.random() < .7 else f"'{word}'"
        a = (an(word) if self.counted(e) else word) if e.key[1] == 'n' and word == e.word.lower() else self.article(e) if e.key[1] == 'n' and word == e.word else word
        if e.key[1] == 'n' and r.random() < .10:
            a = r.choice((word, f'the {word}', an(word)))
        slots = dict(x=word, X=cap(word), a=a, A=cap(a), xs=plural(word), XS=cap(plural(word)), p=pos, ap=an(pos), **more)
        return re.sub(r'\{(\w+)\}', lambda m: slots[m.group(1)], text)

    def ask_definition(self, r: random.Random, e: Entry) -> str:
        plain = self.wn.best_pos[e.key[0]] == e.key[1]
        if e.key[1] == 'n' and r.random() < .62:
            while True:
                t = self.wording.thing(r)
                if ('{xs}' in t or '{XS}' in t) and not self.counted(e):
                    continue
                if plain or (re.search(r'\{(a|A|xs|XS|p)\}', t) and t not in w.BARE):
                    break
        else:
            t = self.wording.meaning(r, plain)
        return self.fill(r, self.wording.dress(r, t), e)

    def ask(self, r: random.Random, templates: list[str], e: Entry, habits: float = 1, **more: str) -> str:
        t = r.choice(templates)
        while ('{xs}' in t or '{XS}' in t) and not self.counted(e):
            t = r.choice(templates)
        return self.fill(r, self.wording.dress(r, t, habits), e, **more)

    def pair(self, r: random.Random, top: int = 12000) -> tuple[str, str, bool, str]:
        """(noun, kind, truth, sort of pair), half of them true."""
        wn = self.wn
        while True:
            lemma = self.pairable[int(min(top, len(self.pairable)) * r.random() ** 1.5)].key[0]
            chain = wn.chain(lemma)
            if r.random() < .5:
                if r.random() < .85:
                    return lemma, chain[min(int(r.random() ** 1.3 * len(chain)), len(chain) - 1)], True, 'yes'
                other = sorted(n for i in wn.ancestors(lemma) if (n := wn.names.get(i)) and n not in chain and n.lower() != lemma and n in wn.chain(lemma, i))
                if other:
                    return lemma, r.choice(other), True, 'yes-aside'
                continue
            z = r.random()
            if z < .5:
                kind, sort = r.choice(self.kinds), 'no-far'
            elif z < .86:
                above = wn.parents[wn.entries[lemma, 'n'].senses[0]]
                if not above:
                    continue
                above = above[0]
                if r.random() < .4 and wn.parents[above]:
                    above = r.choice(wn.children[wn.parents[above][0]])
                near = [wn.names[c] for c in wn.children[above] if c in wn.names and wn.entries[wn.names[c].lower(), 'n'].score > .5]
                if not near:
                    continue
                kind, sort = r.choice(near), 'no-near'
            else:
                kind, sort = wn.entries[lemma, 'n'].word, 'no-reversed'
                lemma = chain[0].lower()
                if (lemma, 'n') not in wn.entries or not wn.chain(lemma):
                    continue
            if kind.lower() != lemma and not wn.is_a(lemma, kind):
                return lemma, kind, False, sort

    def ask_kind(self, r: random.Random, lemma: str, kind: str) -> str:
        e = self.wn.entries[lemma, 'n']
        t = self.wording.kind(r)
        while '{xs}' in t and not self.counted(e):
            t = self.wording.kind(r)
        return self.fill(r, self.wording.dress(r, t), e, y=kind, b=self.article_of(kind))

    def arithmetic(self, r: random.Random) -> Turn:
        op = r.choice('+-*+-')
        high = 12 if op == '*' else r.choice((10, 20, 100))
        a, b = r.randint(0, high), r.randint(0, high)
        if op == '-' and b > a:
            a, b = b, a
        value = a + b if op == '+' else a - b if op == '-' else a * b
        word = {'+': 'plus', '-': 'minus', '*': 'times'}[op]
        x = r.choice((f'{a} {op} {b}', f'{a} {op} {b}', f'{a}{op}{b}', f'{a} {word} {b}'))
        text = r.choice(w.SUM)
        if op != '+':
            text = text.replace('Add this up: ', '')
        return self.wording.dress(r, text, .6).replace('{x}', x), f'{a} {op} {b} = {value}'

    def unknown(self, r: random.Random) -> Turn:
        z = r.random()
        name = lambda: r.choice(self.wn.unknown)
        if z < .45:
            t = self.wording.dress(r, r.choice(FACTS_NAME), .5).replace('{n}', name()).replace('{m}', name())
        elif z < .60:
            t = self.wording.dress(r, r.choice(FACTS_WORD), .5).replace('{x}', r.choice(self.simple))
        elif z < .80:
            t = self.wording.dress(r, r.choice(FACTS), .5).replace('{year}', str(r.randint(1000, 2100)))
        else:
            while True:  # a word that nobody has
                word = ''.join(r.choice('b bl br c cl d dr f fl g gl gr h j k l m n p pl qu r s sk sn st t tr v w x z zw'.split()) + r.choice('a e i o u oo ee ai'.split()) for _ in range(r.choice((1, 2, 2, 3)))) + r.choice('b d f g k l m n p rf rk nk x z sh t zz'.split())
                if word not in self.wn.pos_of:
                    break
            t = self.wording.thing(r) if r.random() < .5 else r.choice(w.MEAN)
            slots = dict(x=word, X=cap(word), a=an(word), A=cap(an(word)), xs=word + 's', XS=cap(word) + 's', p='noun')
            t = re.sub(r'\{(\w+)\}', lambda m: slots[m.group(1)], self.wording.dress(r, t))
        return t, UNKNOWN

    def follow(self, r: random.Random, e: Entry, turns: list[Turn]) -> Turn | None:
        """A request that leans on the one before it."""
        wn, p = self.wn, e.key[1]
        more: list[tuple[list[str], str]] = []
        slots = {'{x}': e.word}  # put in last: no wording is judged by the word in it
        if len(e.senses) > 1:
            more.append((['What else can it mean?', 'Does it have another meaning?', 'What else can {x} mean?', 'Any other meaning?', 'Another meaning?', 'And what else?'], f'{cap(e.word)} can also mean: {wn.definition(e, 1)}.'))
        if e.key in self.examples:
            more.append((['Use it in a sentence.', 'Can you use it in a sentence?', 'Give me an example.', 'An example?', 'How is it used?', 'And in a sentence?'], self.examples[e.key]))
        if wn.synonyms(e):
            more.append((['Give me synonyms.', 'What are its synonyms?', 'Is there another word for it?', 'And synonyms?', 'And a synonym?', 'Any synonyms?', 'and another word for it?'], self.synonyms(e)))
        if e.key in wn.antonyms:
            more += [(['What is its opposite?', 'And the opposite?', 'and its opposite?', 'And its opposite?', 'The opposite?', 'Does it have an opposite?', 'What would be its opposite?'], self.opposite(e))] * 2
        if p == 'n' and wn.chain(e.key[0]):
            more.append((['What kind of thing is it?', 'What is it a kind of?', 'And what is it a kind of?', 'It is a kind of what?'], f'{cap(self.article(e))} is a kind of {wn.chain(e.key[0])[0]}.'))
            for kind, truth in ((r.choice(wn.chain(e.key[0])), True), (r.choice(self.kinds), False)):
                if truth or (kind.lower() != e.key[0] and not wn.is_a(e.key[0], kind)):
                    y, b = ('{y}', '{b}') if truth else ('{n}', '{m}')
                    slots |= {y: kind, b: self.article_of(kind)}
                    more.append(([f'Is it {b}?', f'Is it a kind of {y}?', f'So is it {b}?', f'Is that {b}?', f'Then is it {b}?'], self.kind_answer(e.key[0], kind, truth)))
        other = self.entries.draw(r)
        if other.key[1] == p == 'n':
            slots['{a}'] = self.article(other)
            more.append((['And {a}?', 'and what is {a}?', 'What about {a}?', 'And what is {a}?'], self.define(other)))
        more.append((['Thanks!', 'Thank you.', 'Thanks'], 'You are welcome!'))
        said = {answer for _, answer in turns}
        more = [m for m in more if m[1] not in said]
        if not more:
            return None
        texts, answer = r.choice(more)
        text = self.wording.dress(r, r.choice(texts), .4)
        for slot, word in slots.items():
            text = text.replace(slot, word)
        return text, answer

    def draw(self, r: random.Random) -> Conversation:
        z = r.random()
        system = r.choice(SYSTEM) if r.random() < .08 else None
        if z < .46:
            e = self.entries.draw(r)
            turns = [(self.ask_definition(r, e), self.define(e))]
        elif z < .67:
            while True:
                lemma, kind, truth, _ = self.pair(r)
                if not held_pair(lemma, kind):
                    break
            return system, [(self.ask_kind(r, lemma, kind), self.kind_answer(lemma, kind, truth))]
        elif z < .69:
            e = self.pairable[int(len(self.pairable) * r.random() ** 1.5)]
            turns = [(self.ask(r, w.WHICH_KIND, e), f'{cap(self.article(e))} is a kind of {self.wn.chain(e.key[0])[0]}.')]
        elif z < .765:
            e = self.with_synonyms.draw(r)
            if r.random() < .03:
                e = r.choice(self.without_synonym)
                return system, [(self.ask(r, w.SYNONYM, e), f"I don't know a synonym of {e.word}.")]
            if self.wn.best_pos[e.key[0]] == e.key[1]:
                turns = [(self.ask(r, w.SYNONYM, e), self.synonyms(e))]
            else:
                turns = [(self.ask(r, [t.replace('{x}', 'the {p} {x}') for t in w.SYNONYM if '{x}' in t], e), self.synonyms(e))]
        elif z < .83:
            if r.random() < .07:
                e = r.choice(self.without_opposite)
                return system, [(self.ask(r, w.OPPOSITE, e), f"I don't know an opposite of {e.word}.")]
            e = self.opposites[int(len(self.opposites) * r.random() ** 1.5)]
            turns = [(self.ask(r, w.OPPOSITE, e), self.opposite(e))]
        elif z < .86:
            e = self.with_example.draw(r)
            t = w.SENTENCE if self.wn.best_pos[e.key[0]] == e.key[1] else [t for t in w.SENTENCE if '{p}' in t]
            turns = [(self.ask(r, t, e), self.examples[e.key])]
        elif z < .87:
            i = r.choice(self.examples_of)
            names = self._children(i)
            e = self.wn.entries[self.wn.names[i].lower(), 'n']
            return system, [(self.ask(r, w.KINDS_OF, e), f'Some kinds of {e.word} are {", ".join(names[:-1])} and {names[-1]}.')]
        elif z < .915:
            return system, [self.arithmetic(r)]
        elif z < .963:
            return system, [self.unknown(r)]
        elif z < .980:
            return system, [(self.ask(r, TASKS, self.wn.entries[r.choice(self.simple), 'n'], .6), CANNOT)]
        elif z < .992:
            asks, answer = r.choice(GREETINGS)
            return system, [(r.choice(asks.split('|')), answer)]
        else:
            return system, [(self.wording.dress(r, r.choice(WHO), .4 * (r.random() < .5)), WHO_I_AM)]
        if r.random() < .22:
            for _ in range(r.choice((1, 1, 2))):
                turn = self.follow(r, e, turns)
                if turn:
                    turns.append(turn)
        return system, turns
