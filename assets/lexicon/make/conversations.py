"""Conversations about words, made from WordNet: definitions, kinds, synonyms, opposites, examples, follow-ups, small sums,
greetings, and what the model says that it does not know. A conversation is (system prompt or None, [(request, answer), …]).
Answers are a function of what is asked, so that only the wording is random."""

from __future__ import annotations

import hashlib
import itertools
import random
import re
from bisect import bisect

import smalltalk as s
import wording as w
from answers import Answers
from english import an, cap, plural
from wordnet import POS_NAMES, Entry, WordNet

Turn = tuple[str, str]
Conversation = tuple[str | None, list[Turn]]


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


class Conversations(Answers):
    def __init__(self, wn: WordNet) -> None:
        super().__init__(wn)
        adverbs = [e.word for e in wn.taught if e.key[1] == 'r' and e.key[0].endswith('ly') and e.score > .3]
        self.wording = w.Wording(adverbs, sorted({x for x in self.examples.values() if len(x) < 50 and x[-1] == '.'}))
        self.entries = Weighted(wn.taught)
        self.names = Weighted(wn.unknown)
        self.with_synonyms = Weighted([e for e in wn.taught if wn.synonyms(e)])
        self.with_example = Weighted([e for e in wn.taught if e.key in self.examples])
        self.opposites = [e for e in wn.taught if e.key in wn.antonyms and wn.best_pos[e.key[0]] == e.key[1]]
        self.without_opposite = [e for e in wn.taught[:12000] if not wn.all_antonyms(e.key[0])]
        self.without_synonym = [e for e in wn.taught[:12000] if not wn.all_synonyms(e.key[0])]
        self.pairable = [e for e in wn.nouns[:12000] if wn.chain(e.key[0])]
        self.kinds = [k for e in self.pairable[:8000] for k in wn.chain(e.key[0])[:5]]
        self.examples_of = [i for i in wn.names if len(self.children(i)) >= 3]
        self.simple = [e.key[0] for e in wn.nouns[:6000] if re.fullmatch('[a-z]{3,12}', e.word)]

    def fill(self, r: random.Random, text: str, e: Entry, **more: str) -> str:
        """Puts the word of `e` into a dressed wording, with the liberties that people take."""
        word, pos = e.word, POS_NAMES[e.key[1]]
        if r.random() < .05:
            word = word.lower()
        elif r.random() < .03:
            word = cap(word)
        elif r.random() < .04:
            word = f'"{word}"' if r.random() < .7 else f"'{word}'"
        a = word
        if e.key[1] == 'n' and word in (e.word, e.word.lower()):
            a = self.article(e) if word == e.word else an(word) if self.counted(e) else word
        if e.key[1] == 'n' and r.random() < .10:
            a = r.choice((word, f'the {word}', an(word)))
        slots = dict(x=word, X=cap(word), a=a, A=cap(a), xs=plural(word), XS=cap(plural(word)), p=pos, ap=an(pos), **more)
        return re.sub(r'\{(\w+)\}', lambda m: slots[m.group(1)], text)

    def many(self, e: Entry) -> bool:
        """Whether it may be asked for in the plural: that must not be a word of its own."""
        return self.counted(e) and not self.wn.single(e) and (plural(e.word).lower(), e.key[1]) not in self.wn.entries

    def ask_definition(self, r: random.Random, e: Entry) -> str:
        plain = self.wn.best_pos[e.key[0]] == e.key[1]
        if e.key[1] == 'n' and r.random() < .62:
            while True:
                t = self.wording.thing(r)
                if ('{xs}' in t or '{XS}' in t) and not self.many(e):
                    continue
                if plain or (re.search(r'\{(a|A|xs|XS|p)\}', t) and t not in w.BARE):
                    break
        else:
            t = self.wording.meaning(r, plain)
        return self.fill(r, self.wording.dress(r, t), e)

    def ask(self, r: random.Random, templates: list[str], e: Entry, habits: float = 1, **more: str) -> str:
        t = r.choice(templates)
        while ('{xs}' in t or '{XS}' in t) and not self.many(e):
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
        while '{xs}' in t and not self.many(e):
            t = self.wording.kind(r)
        return self.fill(r, self.wording.dress(r, t), e, y=kind, b=self.article_of(kind))

    def arithmetic(self, r: random.Random) -> Turn:
        op = r.choice('+-*+--')
        high = 12 if op == '*' else r.choice((20, 100, 100))
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
        name = lambda: self.names.draw(r).word
        if z < .25:
            n = name()
            t = self.wording.dress(r, r.choice(s.NAME), .5).replace('{n}', n if r.random() < .85 else n.lower())
        elif z < .52:
            t = self.wording.dress(r, r.choice(s.FACTS_NAME), .5).replace('{n}', name()).replace('{m}', name())
        elif z < .65:
            t = self.wording.dress(r, r.choice(s.FACTS_WORD), .5).replace('{x}', r.choice(self.simple))
        elif z < .82:
            t = self.wording.dress(r, r.choice(s.FACTS), .5).replace('{year}', str(r.randint(1000, 2100)))
        else:
            while True:  # a word that nobody has
                word = ''.join(r.choice('b bl br c cl d dr f fl g gl gr h j k l m n p pl qu r s sk sn st t tr v w x z zw'.split()) + r.choice('a e i o u oo ee ai'.split()) for _ in range(r.choice((1, 2, 2, 3)))) + r.choice('b d f g k l m n p rf rk nk x z sh t zz'.split())
                if word not in self.wn.pos_of:
                    break
            t = self.wording.thing(r) if r.random() < .5 else r.choice(w.MEAN)
            slots = dict(x=word, X=cap(word), a=an(word), A=cap(an(word)), xs=word + 's', XS=cap(word) + 's', p='noun')
            t = re.sub(r'\{(\w+)\}', lambda m: slots[m.group(1)], self.wording.dress(r, t))
        return t, s.UNKNOWN

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
        system = r.choice(s.SYSTEM) if r.random() < .08 else None
        if z < .44:
            e = self.entries.draw(r)
            turns = [(self.ask_definition(r, e), self.define(e))]
        elif z < .65:
            while True:
                lemma, kind, truth, _ = self.pair(r)
                if not held_pair(lemma, kind):
                    break
            return system, [(self.ask_kind(r, lemma, kind), self.kind_answer(lemma, kind, truth))]
        elif z < .67:
            e = self.pairable[int(len(self.pairable) * r.random() ** 1.5)]
            turns = [(self.ask(r, w.WHICH_KIND, e), f'{cap(self.article(e))} is a kind of {self.wn.chain(e.key[0])[0]}.')]
        elif z < .745:
            e = self.with_synonyms.draw(r)
            if r.random() < .03:
                e = r.choice(self.without_synonym)
                return system, [(self.ask(r, w.SYNONYM, e), f"I don't know a synonym of {e.word}.")]
            if self.wn.best_pos[e.key[0]] == e.key[1]:
                turns = [(self.ask(r, w.SYNONYM, e), self.synonyms(e))]
            else:
                turns = [(self.ask(r, [t.replace('{x}', 'the {p} {x}') for t in w.SYNONYM if '{x}' in t], e), self.synonyms(e))]
        elif z < .81:
            if r.random() < .07:
                e = r.choice(self.without_opposite)
                return system, [(self.ask(r, w.OPPOSITE, e), f"I don't know an opposite of {e.word}.")]
            e = self.opposites[int(len(self.opposites) * r.random() ** 1.5)]
            turns = [(self.ask(r, w.OPPOSITE, e), self.opposite(e))]
        elif z < .84:
            e = self.with_example.draw(r)
            t = w.SENTENCE if self.wn.best_pos[e.key[0]] == e.key[1] else [t for t in w.SENTENCE if '{p}' in t]
            turns = [(self.ask(r, t, e), self.examples[e.key])]
        elif z < .85:
            i = r.choice(self.examples_of)
            names = self.children(i)
            e = self.wn.entries[self.wn.names[i].lower(), 'n']
            return system, [(self.ask(r, w.KINDS_OF, e), f'Some kinds of {e.word} are {", ".join(names[:-1])} and {names[-1]}.')]
        elif z < .903:
            return system, [self.arithmetic(r)]
        elif z < .963:
            return system, [self.unknown(r)]
        elif z < .980:
            return system, [(self.ask(r, s.TASKS, self.wn.entries[r.choice(self.simple), 'n'], .6), s.CANNOT)]
        elif z < .992:
            asks, answer = r.choice(s.GREETINGS)
            return system, [(r.choice(asks.split('|')), answer)]
        else:
            return system, [(self.wording.dress(r, r.choice(s.WHO), .4 * (r.random() < .5)), s.WHO_I_AM)]
        if r.random() < .22:
            for _ in range(r.choice((1, 1, 2))):
                turn = self.follow(r, e, turns)
                if turn:
                    turns.append(turn)
        return system, turns
