"""How people may put a request. A request is combined from parts: an opening, words around a core that says what is wanted,
fillers at any place between words, a closing, and habits of typing; a fixed list of templates would teach a fixed place for
the word that is asked about. Cores carry slots ({x} the word, {a} with its article, {xs} its plural, {p} its part of speech,
{y} {b} a second word) which nothing in here looks into. Wordings of `NEAR` and of the family `UNSEEN` never leave `Wording`:
they are for scores only, the family for the final one."""

from __future__ import annotations

import random
import re

# Held out, one by one; each is near something that is trained.
NEAR = {
    'definition': ['Could you explain to me what {a} is?', 'Please define the {p} {x} for me.', "I don't know the {p} {x}. What does it mean?",
                   'Hi, I would love to learn what {a} is.', 'What would be a good definition of the {p} {x}?', 'Have you any idea what {a} is?'],
    'kind': ['Could {a} be called a kind of {y}?', 'Is it true that {a} is a kind of {y}?', 'Would you call {a} a kind of {y}?'],
    'opposite': ['Tell me the opposite of {x}, will you?', "What's the antonym for {x}?", 'Which word would be the opposite of {x}?'],
    'synonym': ['Can you name some synonyms of {x}?', 'Which words could I use instead of {x}?', 'Please list a few synonyms for {x}.'],
    'sum': ['Could you work out {x}?', 'Tell me what {x} makes.', 'Quick, how much is {x}?'],
}
# A whole family held out: no trained wording has these words anywhere.
UNSEEN = ['So what exactly is {a}?', 'What, exactly, do people call {a}?', '{A} is what, exactly?', 'Say exactly what {a} is.', 'Exactly what does the {p} {x} mean?']
FORBIDDEN = re.compile('exact|precis', re.I)

OPEN = '''Please,|Hey,|Hi,|Hello!|Ok,|Okay,|Well,|Now|And|But|So,|Quick question:|Question:|One more thing:|I have a question.|Help me:|Just tell me:|Be honest:|lexicon,|Can I ask:|Thanks.
Another one:|Hmm,|Tell me:|I wonder,|I wonder:|Hi there.|Dear lexicon,|Sorry,|Next:|Again:|I am curious:|Let me ask you this:|Also,|Then|For my homework:|I forgot.|I am not sure.|In English,|Alright,|Oh,|First,
Good morning!|Excuse me,|Sorry to bother you.|My son asks:|My daughter wants to know:|My teacher asked:|Here is a question:|Here's another:|Let us see:|Right,|Yes,|No,|Great.|Nice.|Thank you.|Good.|Cool,|Wow,|Um,|Uh,|Er,
I need help.|Maybe you know:|You may know this:|Something simple:|For a crossword:|For a quiz:|In your words,|In simple words,|In short,|Briefly,|In one line:|By the way,|Actually,|Seriously,|Honestly,|Listen,|Look,|See,
Dear computer,|Hey lexicon,|Hi lexicon!|Computer,|Friend,|Imagine I am five.|I am learning English.|English is not my first language.|It is for school.|I am writing a text.|I am reading a book.|We had a bet.|I was asked this today:|Next one,|Last one:
If you can,|If you know,|If possible,|When you have time,|As a dictionary would say it,|For a child:|Without long words:|Only if you know:'''.replace('\n', '|').split('|')
CLOSE = '''please|, please|Thanks!|Thank you.|Thanks in advance.|I need it for school.|Answer briefly.|Keep it short.|Any idea?|I forgot.|Do you know?|Please answer.|Be brief.|I am learning English.|Just curious.|again|then|One sentence is enough.
, lexicon|, friend|, if you know|, if I may ask|, by the way|, in short|, in one sentence|, in simple words|, in English|, for a child|, in your words|I never knew.|Help!|Tell me.|I really want to know.|It matters to me.|My teacher wants to know.|today
, would you|, could you|, can you|, will you|right now|quickly|once more|, do you know|I have no idea.|I am asking for a friend.|Be quick.|Use simple words.|, or not|anyway|, okay|, ok|, yes|, though|No long answer.|That is all.|It is for a quiz.'''.replace('\n', '|').split('|')
FILL = '''please|actually|really|basically|again|then|just|like|um|well|ok|now|quickly|briefly|in short|in simple words|in your words|for me|by the way|say|perhaps|maybe|also|even|ever|still|simply|truly|generally|normally|usually
in English|in general|in the world|on earth|of course|you know|I mean|as a rule|in fact|after all|for example|if you can|kindly|finally|today|here|indeed|commonly|in a few words|in one sentence|to me|to us|to a child|, please,|, you think,|, in short,|, friend,'''.replace('\n', '|').split('|')

ASK = '''tell me|can you tell me|could you tell me|would you tell me|will you tell me|do you know|do you happen to know|please tell me|I want to know|I'd like to know|I would like to know|explain|help me understand|remind me|say|I wonder
can you say|let me know|I need to know|describe|can you explain|could you explain|state|teach me|show me|write down|I have to know|give me|I want to learn|I must know|are you able to say|can anybody tell me|does anyone know|it would help to know
I was asked|I always wondered|I never understood|I keep forgetting|I try to find out|I'd love to hear|I am looking for|explain to me|explain to us|tell us|make clear|put into words|can you help me see|be so kind and tell me|we want to know'''.replace('\n', '|').split('|')

THING = '''what {a} is|what {a} is|what {x} is|what {a} might be|what {a} would be|what {x} means|the meaning of {x}|what kind of thing {a} is|what people mean by {x}|what is meant by {x}|what {xs} are|what we call {a}|what makes something {a}|what one calls {a}|the meaning of the {p} {x}
what you understand by {x}|what is understood by {x}|what the {p} {x} means|what the word {x} stands for|what {a} stands for|what sort of thing {a} is|what it is that people call {a}|the definition of {x}'''.replace('\n', '|').split('|')
WORD = '''what {x} means|the meaning of {x}|the definition of {x}|what the word {x} means|what the {p} {x} means|the meaning of the {p} {x}|the definition of the {p} {x}|how a dictionary defines {x}|how dictionaries define the {p} {x}|the sense of the {p} {x}
what is meant by {x}|what is meant by the {p} {x}|what people mean by {x}|what it means when someone says {x}|how {x} is defined|how the {p} {x} is defined|a definition of {x}|a definition of the {p} {x}|a short definition of {x}|what to understand by {x}|the meaning of the word {x}'''.replace('\n', '|').split('|')

WHAT = '''What is {a}?|What is {a}?|What is {a}?|What's {a}?|What is {x}?|what is {a}|whats {a}|What are {xs}?|What are {xs}?|{x}?|What is {a} supposed to be?|What would you say {a} is?|What, in short, is {a}?|What on earth is {a}?|What kind of a thing is called {x}?|How would you explain {a}?
How do you explain {x} to a child?|Who or what is {a}?|What do you call {a}? I mean, what is it?|Is there a simple way to say what {a} is?|What does one call {a}?|What are you thinking of when you say {x}?|{A} is what?|{A}, what is that?|{A}: what is that?|{A}? What is that?|What is it, {a}?|What is that, {a}?|About {a}: what is it?
What might {a} be?|What could {a} be?|What can you say about the meaning of {x}?|What sort of thing is {a}?|What do people call {a}?|When is something called {a}?|Explain {a}.|Explain {x}.|Describe what {a} is.|Define {a}.|{x}: explain.|A {x} is what?|So what is {a}?|And what is {a}?|What is this thing called {x}?|What do we mean by {a}?
What does it mean to be {a}?|What is the thing called {x}?|You know what {a} is?|You know {xs}? What are they?|{XS}: what are they?|What in the world is {a}?|What was {a} again?'''.replace('\n', '|').split('|')
MEAN = '''Define {x}.|What does {x} mean?|What does {x} mean?|What is the meaning of {x}?|Give me a definition of {x}.|Give the definition of {x}.|define {x}|Meaning of {x}?|What is the definition of {x}?|Define the word {x}.|What does the word "{x}" mean?|What does the word {x} mean?|{x} meaning|{x} definition|What might {x} mean?|How would you define {x}?
How is {x} defined?|What do people mean when they say {x}?|In a dictionary, what does {x} say?|Look up {x}.|dictionary: {x}|What is the sense of {x}?|What does one mean by {x}?|Do you know the word {x}?|The word is {x}. Define it.|Word: {x}. Meaning?|What is meant by {x}?|{x} means what?|{x}, what does it mean?|{X}: what does it mean?|What does it mean, {x}?
How do dictionaries define {x}?|When do I say {x}?|Say what {x} means.|What's {x} mean?|whats the meaning of {x}|meaning of {x}|The meaning of {x}, please.|{x} (definition)|def {x}|What could {x} mean?|What do you understand by {x}?|Can you define {x}?|Could you define {x}?|Please define {x}.|I do not know the word {x}.|I don't understand {x}.|What would {x} mean?'''.replace('\n', '|').split('|')
MEAN_POS = '''Define the {p} {x}.|What does the {p} {x} mean?|What is the meaning of the {p} {x}?|Give a definition of the {p} {x}.|Define {x} ({p}).|What does {x} mean as {ap}?|The {p} {x}: meaning?|How do you define the {p} {x}?|How is the {p} {x} defined?|Look up the {p} {x}.|I found the {p} {x} in a text. What is its meaning?|My book uses the {p} {x}. Can you define it?|Do you know the {p} {x}?
What does {x} mean when it is {ap}?|{x} ({p})|{x}, {p}, meaning?|{x} as {ap}: what does it mean?|Say what the {p} {x} means.|What is the {p} {x}?|The {p} is {x}. What does it mean?|Can you define the {p} {x}?|I look for the meaning of the {p} {x}.|Explain the {p} {x}.|What would the {p} {x} mean?|What do we mean by the {p} {x}?|the {p} {x} means what?'''.replace('\n', '|').split('|')
WHO = 'I|My friend|Someone|My teacher|The book|We|My brother|Her mother|A man|They|The girl|People|You|My neighbor|The text|Grandpa'.split('|')
DID = 'saw|mentioned|talked about|read about|asked about|found|dreamt of|heard of|wrote about|told me about|pointed at|thought of|spoke of|asked me about|wanted'.split('|')
PLACE = '|||today|yesterday|in a book|at school|last night|on the radio|in a film|this morning|in town|once|at work|in the news'.split('|')
IT = '''What is it?|What is that?|What is that?|What could that be?|What is it, please?|What might it be?|Tell me what that is.|tell me what it is|Can you say what it is?|Do you know what that is?|Please explain it.|But what is it?|So what is that?|And what is that?|I want to know what it is.|What was that?|Could you explain it?'''.split('|')
MEANS = '''What does it mean?|What does that mean?|What is its meaning?|Can you define it?|Define it.|Please define it.|Tell me the meaning.|What could it mean?|Do you know what it means?|I wonder what it means.|Meaning?|Please explain it.|What does this word mean?|Tell me what it means.|Could you say what it means?'''.split('|')
READ = 'I read the word {x}|I heard the word {x}|Someone said {x}|There is the word {x} in this text|I found the {p} {x}|My book has the {p} {x}|In this sentence I see {x}|I came across the {p} {x}|A friend used the word {x}|The teacher wrote {x}|I saw the word {x}|He used the {p} {x}|The next word is {x}|The word in question is {x}|Take the word {x}|Take the {p} {x}|Here is a word: {x}|We learned the {p} {x}'.split('|')

IS_KIND = '''Is {a} a kind of {y}?|Is {a} a kind of {y}?|Is {a} {b}?|Is {a} {b}?|Is {a} a type of {y}?|Would you say {a} is {b}?|Is {a} a sort of {y}?|Does {a} count as {b}?|Can we say that {a} is {b}?|Is it right to say that {a} is a kind of {y}?|Are {xs} a kind of {y}?|Do you think {a} is {b}?|{A} is {b}, right?|{A} is a kind of {y}, is that right?|Could one say that {a} is {b}?|Is {a} really {b}?
Does {a} belong to the kinds of {y}?|Is every {x} {b}?|Yes or no: is {a} a kind of {y}?|Yes or no: is {a} {b}?|Answer yes or no: is {a} {b}?|tell me whether {a} is {b}|tell me if {a} is a kind of {y}|I wonder if {a} is {b}|Can {a} be {b}?|{A}: is it {b}?|Might {a} be a type of {y}?|A friend says {a} is {b}. Is it?|Someone told me that {a} is a kind of {y}. Is that so?|Think step by step: is {a} {b}?|Does one call {a} {b}?|Should I call {a} {b}?|Do you know if {a} is a kind of {y}?'''.replace('\n', '|').split('|')
MAY = 'Can|Could|May|Might|Should|Would|Must|could|can'.split('|')
WE = 'you|one|we|people|I|you|they'.split('|')
CALL = 'call|name|consider|describe as|see|count|regard as|class as|treat as|label'.split('|')
CALLED = 'called|named|considered|seen as|regarded as|counted as|described as|thought of as|taken for|classed as|labeled|defined as|treated as'.split('|')
A_KIND = 'a kind of {y}|a kind of {y}|a kind of {y}|{b}|{b}|a type of {y}|a sort of {y}|a form of {y}|an example of {y}|some kind of {y}'.split('|')
THAT = '''is it so that|is it correct that|is it right that|do you agree that|would you agree that|can one say that|is it a fact that|is it fair to say that|do you think|do you think that|do you believe that|are you sure that|could it be that|may I say that|does it hold that|tell me whether|tell me if|I wonder whether|I wonder if
I want to know if|I'd like to know whether|let me know if|do you know whether|do you know if|could you check whether|check whether|decide whether|can you tell me if|please say if|would it be correct that|does it follow that|is it certain that|is it known that|have I understood that|so it is true,|does everyone agree that|the claim is that|they say that|my book says that|I read that|I think that'''.replace('\n', '|').split('|')
TAG = 'right?|isn\'t it?|yes or no?|correct?|or not?|is that right?|is that so?|or am I wrong?|no?|agreed?|don\'t you think?|true?'.split('|')
BARE = '{x}|{x}|{x}|{X}|{X}|{x}?|{X}?|{x}.|"{x}"|the word {x}|{x}??|{X}!|{a}?|{A}?|{A}|{a}'.split('|')
MANY = 'What are {xs}?|What are {xs}?|What are {xs}?|what are {xs}|Define {xs}.|What do {xs} mean?|Explain {xs}.|Explain what {xs} are.|Tell me what {xs} are.|Can you say what {xs} are?|Describe what {xs} are.|What exists under the name of {xs}?|{XS}?|{XS}|{xs}?|{xs}|{xs}|What would you say {xs} are?|Do you know what {xs} are?|I want to know what {xs} are.'.split('|')
WHICH_KIND = 'What kind of thing is {a}?|What is {a} a kind of?|{A} is a kind of what?|To what kind of things does {a} belong?|Which kind of thing is {a}?|What type of thing is {a}?|What group does {a} belong to?|Of what is {a} a kind?'.split('|')
SYNONYM = '''Give synonyms of {x}.|What are synonyms of {x}?|Synonyms of {x}?|List some synonyms for {x}.|Give me words that mean the same as {x}.|What words are similar to {x}?|What is a synonym of {x}?|What is another word for {x}?|What other word can I use for {x}?|Name a synonym of {x}.|{x} synonyms|another word for {x}|Tell me some words like {x}.|Which words mean the same as {x}?|Words with the same meaning as {x}?
Find synonyms for the word {x}.|What can I say instead of {x}?|synonym for {x}|synonym: {x}|Is there another word for {x}?|How else can I say {x}?|What else can I call {x}?|Show me synonyms of {x}.|Do you know synonyms of {x}?|I need another word for {x}.|I am looking for a synonym of {x}.|Which word can replace {x}?|Replace {x} by another word.|Another way to say {x}?|{x}: synonyms?|{X} has which synonyms?|tell me a synonym for {x}|What are some other words for {x}?|I want words that mean {x}.|What would be another word for {x}?|Could I say something else for {x}?|Name some words with the meaning of {x}.|Please give a synonym of {x}.'''.replace('\n', '|').split('|')
OPPOSITE = '''What is the opposite of {x}?|What is the opposite of {x}?|What is the antonym of {x}?|Give the opposite of {x}.|opposite of {x}|Name the opposite of {x}.|What word means the opposite of {x}?|Give an antonym for {x}.|What is the contrary of {x}?|What is the reverse of {x}?|{x} opposite|{x} antonym|Which word is opposite to {x}?|Find an antonym of {x}.|If it is not {x}, what is it?|I need the opposite of {x}.|The opposite of {x} is what?
Say the opposite of the word {x}.|Do you know the opposite of {x}?|Tell me the opposite of {x}.|What's the opposite of {x}?|antonym for {x}|antonym: {x}|{X} has which opposite?|Which word means the contrary of {x}?|Can you give me the opposite of {x}?|Could you name an antonym of {x}?|What do you call the opposite of {x}?|The contrary of {x}?|{X}. And the opposite?|{x} versus what?|I am looking for an antonym of {x}.|What would be the contrary of {x}?|not {x} but?'''.replace('\n', '|').split('|')
SENTENCE = '''Use {x} in a sentence.|Use the word {x} in a sentence.|Use the {p} {x} in a sentence.|Give an example sentence with {x}.|Make an example sentence using {x}.|Show me how {x} is used.|How is {x} used in a sentence?|Show me how the {p} {x} is used.|Give me an example of how to use {x}.|An example with {x}, please.|example sentence: {x}|How do I use {x}?|Put {x} into a sentence.|Can you use {x} in a sentence?|I need an example with the {p} {x}.|How do people use the word {x}?'''.replace('\n', '|').split('|')
KINDS_OF = 'Name some kinds of {x}.|Give examples of {x}.|What kinds of {x} are there?|List some types of {x}.|Tell me three kinds of {x}.|Name a few kinds of {x}.|Which kinds of {x} do you know?|Do you know some kinds of {x}?|What types of {x} exist?|kinds of {x}?'.split('|')
SUM = 'What is {x}?|{x} = ?|{x}|Calculate {x}.|How much is {x}?|What is {x}?|{x}?|Compute {x}.|What does {x} make?|{x} equals what?|{x} is what?|Add this up: {x}|Solve {x}.|What do you get for {x}?|the result of {x}|Can you calculate {x}?|Tell me {x}.|What is the result of {x}?|How much does {x} make?|I need to know {x}.|Work out {x}.|Could you calculate {x}?|Do you know what {x} is?'.split('|')

SLOTS = re.compile(r'\{(?:a|A|x|X|xs|XS)\}')


def skeleton(text: str) -> str:
    """A wording without capitals, marks and the word in question; what is after «{y}» counts as well."""
    return ' '.join(re.sub(r"[^a-z' *]", ' ', SLOTS.sub('*', text).replace('{y}', 'y').replace('{b}', 'b').replace('{p}', 'p').lower()).split())


HELD = [f' {skeleton(t)} ' for group in NEAR.values() for t in group]


def is_held(text: str) -> bool:
    """Whether a wording with its slots is, or contains, one that is kept for scores."""
    s = f' {skeleton(text)} '
    return bool(FORBIDDEN.search(text)) or any(h in s for h in HELD)


class Wording:
    """Combines parts at random. @param adverbs words that may stand anywhere; @param context sentences that mean nothing for the request"""

    def __init__(self, adverbs: list[str], context: list[str]) -> None:
        self.adverbs = [a for a in adverbs if not FORBIDDEN.search(a)]
        self.context = [c for c in context if not FORBIDDEN.search(c)]

    def thing(self, r: random.Random) -> str:
        z = r.random()
        if z < .08:
            return r.choice(BARE)
        if z < .23:
            return r.choice(MANY)
        if z < .51:
            return r.choice(WHAT)
        if z < .80:
            return f'{r.choice(ASK)} {r.choice(THING)}{r.choice(".??.")}'
        return ' '.join(f'{r.choice(WHO)} {r.choice(DID)} {r.choice(("{a}", "{a}", "{xs}"))} {r.choice(PLACE)}'.split()) + f'. {r.choice(IT)}'

    def meaning(self, r: random.Random, plain: bool) -> str:
        """@param plain whether the word's part of speech may be left out"""
        while True:
            z = r.random()
            if z < .42:
                t = r.choice(MEAN) if plain and r.random() < .6 else r.choice(MEAN_POS)
            elif z < .78:
                t = f'{r.choice(ASK)} {r.choice(WORD)}{r.choice(".??.")}'
            else:
                t = f'{r.choice(READ)}. {r.choice(MEANS)}'
            if plain or '{p}' in t or '{ap}' in t:
                return t

    def kind(self, r: random.Random) -> str:
        while True:
            z = r.random()
            if z < .3:
                t = r.choice(IS_KIND)
            elif z < .45:
                t = f'{r.choice(MAY)} {{a}} be {r.choice(CALLED)} {r.choice(A_KIND)}?'
            elif z < .6:
                verb, _, preposition = r.choice(CALL).partition(' ')
                t = ' '.join(f'{r.choice(MAY)} {r.choice(WE)} {verb} {{a}} {preposition} {r.choice(A_KIND)}?'.split())
            elif z < .88:
                t = f'{r.choice(THAT)} {r.choice(("{a}", "{a}", "{a}", "every {x}", "the {x}"))} is {r.choice(A_KIND)}{r.choice("??.?")}'
                t = t if r.random() < .4 else t[0].upper() + t[1:]
            else:
                t = f'{{A}} is {r.choice(A_KIND)}, {r.choice(TAG)}'
            if not is_held(t):
                return t

    def dress(self, r: random.Random, core: str, habits: float = 1.0) -> str:
        """The core with openings, fillers and closings around and in it; never a wording that is held out."""
        for _ in range(20):
            text = self._dress(r, core, habits)
            if not is_held(text):
                return text
        raise ValueError(f'only held-out wordings of {core!r}')

    def _filler(self, r: random.Random) -> str:
        return r.choice(self.adverbs) if r.random() < .4 else r.choice(FILL)

    def _dress(self, r: random.Random, core: str, habits: float) -> str:
        text = core
        if r.random() < .38 * habits:
            words = text.split(' ')
            for _ in range(1 + (r.random() < .25)):
                at = r.randint(0, len(words) - 1)
                # Beside the bare word an adverb could be the word that is asked about.
                beside = any(re.search(r'\{(x|X|xs|XS)\}', x) for x in words[max(0, at - 1):at + 1])
                words.insert(at, r.choice(FILL) if beside else self._filler(r))
            text = ' '.join(words).replace(' ,', ',')
        if r.random() < .06 * habits:
            words = text.split(' ')
            free = [i for i, w in enumerate(words) if '{' not in w]
            if len(free) > 3:
                del words[r.choice(free)]
                text = ' '.join(words)
        if r.random() < .05 * habits:
            words = text.split(' ')
            free = [i for i, w in enumerate(words) if '{' not in w and len(w) > 3]
            if free:
                i = r.choice(free)
                w, k = words[i], r.randint(0, len(words[i]) - 2)
                words[i] = w[:k] + r.choice((w[k + 1] + w[k] + w[k + 2:], w[k + 1:], w[k] + w[k:]))
                text = ' '.join(words)
        if r.random() < .34 * habits:
            opening = r.choice(OPEN) if r.random() < .8 else f'{self._filler(r).capitalize().strip(",")},'
            keep = opening[-1] in '.!' or r.random() < .3
            text = f'{opening} {text if keep else text[:1].lower() + text[1:]}'
        if r.random() < .08 * habits:
            text = f'{r.choice(self.context)} {text}'
        if r.random() < .22 * habits:
            close = r.choice(CLOSE)
            end = text[-1] if text[-1] in '.?!' else ''
            if close[0].isupper():
                text = f'{text}{"" if end else "."} {close}'
            else:
                text = f'{text.rstrip(".?!")}{"" if close[0] == "," else " "}{close}{end}'
        if r.random() < .55 and text[:1].islower():
            text = text[:1].upper() + text[1:]
        z = r.random()
        if z < .10 * habits:
            text = text.rstrip('?.!')
        elif z < .16 * habits:
            text = text.replace('?', '').replace('.', '').replace(',', '')
        elif z < .18 * habits:
            text = text.rstrip('?.') + r.choice(('??', '...', '!', '?!'))
        if r.random() < .06 * habits:
            text = re.sub(r'(?<!{)[A-Z](?!})(?!S})', lambda m: m.group().lower(), text)
        return text
