"""What the model says about a word, from WordNet: its definition as a sentence, its kinds, synonyms, opposites, examples. An
answer is a function of what is asked; yes/no answers give the reason first, since a model of one pass cannot know the answer
before it has walked the chain of kinds."""

from __future__ import annotations

import re

from english import an, cap
from wordnet import POS_NAMES, Entry, WordNet

# What articles need: nouns that take none although their definitions begin like those that do.
MASS = set('food equipment clothing furniture information knowledge cloth material water wood money music art work energy matter power force quality state activity behavior conduct time space condition meat sugar metal paper'.split())
MASS_FILES = {7, 12, 13, 27}
DETERMINED = ('a ', 'an ', 'any ', 'the ', 'one ', 'someone ', 'something ', 'anyone ', 'all ', 'each ', 'either ', 'some ', 'that ', 'those ', 'what ')


class Answers:
    def __init__(self, wn: WordNet) -> None:
        self.wn = wn
        self.examples = {e.key: x for e in wn.taught if (x := wn.example(e))}
        self.definitions: dict[tuple[str, str], str] = {}

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
        if self.wn.single(e):
            return f'the {e.word}'
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
        if e.key not in self.definitions:
            phrase = self.phrase(e) if e.key[1] == 'n' else None
            self.definitions[e.key] = f'{cap(self.article(e))} is {phrase}.' if phrase else f'{cap(e.word)} ({POS_NAMES[e.key[1]]}): {self.wn.definition(e)}.'
        return self.definitions[e.key]

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

    def children(self, i: str) -> list[str]:
        found = {self.wn.names[c] for c in self.wn.children[i] if c in self.wn.names}
        known = [n for n in found if self.wn.entries[n.lower(), 'n'].score > 1]
        return sorted(known, key=lambda n: (-self.wn.entries[n.lower(), 'n'].score, n))[:4]
