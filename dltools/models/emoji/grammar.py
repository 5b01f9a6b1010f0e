"""Sentences that grammars make out of word lists, beside those that people wrote.

Word vectors put "happy" beside "sad", so a network has to be told of many words which side they stand on, and of many
negations that they turn the side. Each list below is written by hand, and cut into parts; a grammar with one part of
its list is a group of its own, so that a split by groups keeps whole grammars with whole vocabularies out of training.
In: a seed. Out: rows of text, label and group.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import NamedTuple


class Row(NamedTuple):
    """A training sentence."""

    text: str
    label: str
    group: str


#: How many parts a word list is cut into.
PARTS = 5


def _list(text: str) -> list[str]:
    return [word.replace("_", " ") for word in text.split()]


LISTS = {
    "good_feeling": _list(
        """happy glad joyful cheerful delighted thrilled excited pleased proud relieved grateful thankful content amused
        optimistic hopeful lucky blessed fine well great fantastic wonderful relaxed satisfied ecstatic overjoyed jolly
        calm confident energetic comfortable okay alright better healthy strong safe refreshed inspired motivated"""
    ),
    "bad_feeling": _list(
        """sad unhappy angry upset disappointed depressed miserable lonely tired exhausted sick ill bored annoyed
        frustrated furious mad worried anxious nervous scared afraid terrified ashamed embarrassed guilty jealous
        heartbroken hopeless helpless desperate hurt broken devastated stressed overwhelmed confused lost abandoned
        ignored rejected betrayed humiliated offended insulted bitter gloomy weak dizzy insecure worthless useless
        miserable sorry discouraged dissatisfied irritated shocked horrified disgusted unwell broke unemployed alone"""
    ),
    "good_thing": _list(
        """great good nice awesome amazing wonderful fantastic excellent brilliant superb perfect lovely incredible
        terrific marvelous outstanding impressive beautiful cool fun funny hilarious enjoyable pleasant exciting
        interesting entertaining successful magnificent splendid fabulous remarkable inspiring charming clever smart
        creative helpful spectacular stunning memorable unforgettable delightful refreshing satisfying"""
    ),
    "bad_thing": _list(
        """bad terrible awful horrible poor boring annoying disappointing stupid ridiculous sad depressing unfair wrong
        ugly disgusting nasty rude mean cruel useless pathetic painful difficult unpleasant dreadful miserable tragic
        dangerous unacceptable embarrassing frustrating lousy mediocre dull tedious confusing broken worthless shameful
        scary unbearable offensive unfortunate hopeless dirty noisy slow expensive brutal ugly weak lame cheap"""
    ),
    "matter": _list(
        """day week idea movie film book song party trip show concert result news story plan weather class lecture
        meeting answer experience moment speech job exam website hotel phone game_console vacation event performance
        project surprise evening year summer apartment car haircut present teacher boss service"""
    ),
    "success": _list(
        """passed_the_exam got_the_job won_a_prize got_promoted graduated finished_the_project won_the_contest
        found_a_solution solved_the_problem got_a_raise got_good_grades received_an_award achieved_my_goal
        learned_something_new got_an_offer bought_a_house passed_the_test got_accepted finished_my_degree
        won_the_election got_the_scholarship improved_a_lot made_progress did_very_well succeeded got_a_bonus
        made_people_laugh had_fun enjoyed_the_show had_a_good_laugh told_a_joke laughed_a_lot recovered celebrated
        got_good_news danced_all_night"""
    ),
    "failure": _list(
        """failed_the_exam lost_the_job got_fired lost_my_phone missed_the_deadline got_bad_grades failed_again
        lost_everything broke_the_window crashed_the_car got_rejected missed_the_train made_a_mistake
        forgot_the_password got_hurt had_an_accident lost_a_lot_of_money got_robbed failed_the_interview was_late_again
        got_sick had_a_nightmare cried_all_day had_a_fight quit_school got_arrested lost_hope ruined_the_party
        broke_a_leg fell_down_the_stairs got_a_bad_review had_a_bad_dream lied_again cheated_on_the_test broke_a_promise
        was_wrong gave_up"""
    ),
    "insult": _list(
        """a_liar an_idiot a_bully a_coward a_thief a_fool a_cheater a_jerk a_failure a_disgrace a_loser
        a_terrible_person a_snob rude selfish mean stupid lazy arrogant annoying cruel dishonest ignorant disgusting
        ungrateful unkind unfair horrible pathetic greedy nasty useless hopeless heartless violent aggressive"""
    ),
    "praise": _list(
        """a_genius a_hero a_star a_winner a_champion_of_jokes a_great_teacher a_good_person a_talented_singer
        a_funny_guy a_smart_student a_professional an_inspiration brilliant talented funny hilarious smart clever
        wonderful amazing awesome impressive generous polite helpful brave creative cheerful fun nice great witty"""
    ),
    "beloved": _list(
        """mother father mom dad sister brother wife husband girlfriend boyfriend daughter son baby grandmother
        grandfather grandma grandpa family children kids parents friends fiance lover sweetheart darling puppy kitten
        dog cat twins niece nephew aunt uncle cousin best_friend little_sister little_brother partner soul_mate
        grandchildren"""
    ),
    "loving": _list(
        """love adore cherish miss treasure kiss hug embrace need care_about think_about dream_of worship
        am_in_love_with am_crazy_about am_so_fond_of long_for will_always_love really_love deeply_love truly_love
        love_and_respect"""
    ),
    "food": _list(
        """pizza pasta sushi burgers cake soup salad bread cheese chicken steak fish rice noodles eggs bacon sandwiches
        chocolate cookies ice_cream pancakes tacos fries potatoes tomatoes beans curry salmon shrimp lobster turkey ham
        sausages meatballs dumplings pie donuts muffins cereal yogurt honey butter milk coffee tea wine beer juice
        strawberries apples bananas oranges grapes peaches cherries mangoes vegetables carrots onions garlic mushrooms
        corn spinach broccoli lettuce peanuts almonds olives popcorn candy snacks toast pudding barbecue seafood lamb
        pork beef duck spaghetti lasagna risotto omelette waffles dessert fruit sauce mustard ketchup jam lemonade"""
    ),
    "meal": _list(
        """breakfast lunch dinner supper brunch a_meal a_snack dessert a_picnic a_barbecue takeout some_food a_bite
        a_drink"""
    ),
    "tasty": _list(
        """delicious tasty fresh hot spicy sweet salty ready homemade crispy juicy creamy baked fried grilled roasted
        cooked boiled yummy organic vegan served"""
    ),
    "cook": _list(
        """cook bake fry grill roast eat order taste serve prepare chop boil share buy want try drink_to_the_taste_of
        finish"""
    ),
    "sport": _list(
        """baseball football soccer basketball tennis volleyball golf hockey rugby cricket softball badminton
        table_tennis handball lacrosse polo boxing wrestling judo karate swimming running skiing cycling bowling
        gymnastics athletics skating surfing rowing fencing climbing"""
    ),
    "sport_ball": _list("baseball football soccer basketball tennis volleyball golf hockey rugby cricket softball"),
    "player": _list(
        """team pitcher goalkeeper striker quarterback coach captain player runner batter catcher athlete champion
        referee swimmer boxer defender forward midfielder sprinter cyclist skier golfer opponent rival club squad
        rookie"""
    ),
    "play": _list(
        """threw_the_ball caught_the_ball hit_the_ball scored_a_goal scored_twice won_the_race won_the_match ran_fast
        kicked_the_ball passed_the_ball missed_the_shot broke_the_record trained_hard lost_the_match won_a_medal
        stole_a_base hit_a_homer blocked_the_shot served_an_ace swam_ten_laps jumped_high tackled_him
        played_well_in_the_final dropped_the_ball defended_the_title struck_out made_a_great_save
        reached_the_semifinals"""
    ),
    "contest": _list(
        """match game race tournament final championship league season playoffs training practice competition marathon
        world_cup olympics super_bowl derby half_time penalty score stadium home_game"""
    ),
}

#: Grammars: label, list that is cut into parts (slot 0), sentences. Other slots name a list; ``|`` separates choices.
GRAMMARS: dict[str, tuple[str, str, str]] = {
    "joy": (
        "smile",
        "good_feeling",
        """I am [so|very|really|] {0}
        I feel [so|very|really|] {0} [today|now|again|]
        [he|she] is [so|very|] {0} [today|now|]
        they are all {0}
        we are [so|] {0} to hear that
        you look {0}
        I have never been more {0}
        never felt so {0}
        [he|she] makes me feel {0}
        I couldn't be more {0}""",
    ),
    "joy not": (
        "disappointed",
        "good_feeling",
        """I am not [very|so|] {0} [today|]
        I'm not feeling {0} [at all|]
        not {0} [at all|today|]
        not feeling {0} [today|at all|]
        not [so|very|really] {0}
        [he|she] doesn't feel {0}
        not {0} about [this|it|the news]
        I don't feel very {0} [today|]
        [he|she] is not {0}
        [he|she] isn't {0} [anymore|]
        we are not {0} with [this|that|the result|your work]
        I don't feel {0} [anymore|]
        nobody is {0} [here|]
        I can't be {0} [about this|]
        they aren't {0}
        how can I be {0} now
        I used to be {0}
        never {0} [again|]
        I wish I was {0}
        you will never be {0}""",
    ),
    "sorrow": (
        "disappointed",
        "bad_feeling",
        """I am [so|very|really|] {0}
        I feel [so|very|really|] {0} [today|now|again|]
        [he|she] is [so|very|] {0}
        they are all {0}
        you look {0}
        why are you [so|] {0}
        [he|she] makes me feel {0}
        {0} again
        I am {0} with you
        we were {0} after the meeting
        I have never been so {0}""",
    ),
    "sorrow not": (
        "smile",
        "bad_feeling",
        """I am not {0} [anymore|any more|at all]
        not {0} anymore
        not {0} at all, I feel great
        not feeling {0} anymore
        I'm no longer {0}
        never {0} with you around
        [he|she] isn't {0} anymore
        don't be {0}, be happy
        we are not {0}, we are happy""",
    ),
    "good": (
        "smile",
        "good_thing",
        """[this|that] is [so|very|really|] {0}
        what a {0} {matter}
        it was a [really|very|] {0} {matter}
        the {matter} was {0}
        your {matter} is [so|really|] {0}
        {0} {matter}
        that sounds {0}
        how {0}
        [he|she] had a {0} {matter}
        we had a {0} {matter}
        [so|really|] {0}
        it has never been so {0}
        the most {0} {matter} ever""",
    ),
    "good not": (
        "disappointed",
        "good_thing",
        """[this|that] is not {0} [at all|]
        it isn't {0}
        the {matter} was not {0}
        the {matter} wasn't [very|so|that|] {0}
        not a {0} {matter}
        not {0}
        your {matter} is not {0}
        there is nothing {0} about this
        I don't think the {matter} is {0}
        you are not {0}
        I don't find it {0}
        never seen a less {0} {matter}
        it doesn't look {0}
        no {0} {matter} today""",
    ),
    "bad": (
        "disappointed",
        "bad_thing",
        """[this|that] is [so|very|really|] {0}
        what a {0} {matter}
        it was a [really|very|] {0} {matter}
        the {matter} was {0}
        your {matter} is [so|really|] {0}
        {0} {matter}
        how {0}
        [he|she] had a {0} {matter}
        we had a {0} {matter}
        [so|really|] {0}
        it has never been so {0}
        the most {0} {matter} ever
        you are [so|] {0}""",
    ),
    "bad not": (
        "smile",
        "bad_thing",
        """the {matter} was not {0} at all
        not {0} at all
        not so {0}
        it isn't that {0}
        not a {0} {matter}
        your {matter} was not {0}, it was great""",
    ),
    "success": (
        "smile",
        "success",
        """[I|we|he|she|they|my friend] {0}
        I [finally|just|] {0}
        [he|she] {0} [yesterday|today|last week|]
        congratulations, you {0}
        you {0}
        yes, [we|I] {0}
        I can't believe I {0}
        so happy that you {0}""",
    ),
    "failure": (
        "disappointed",
        "failure",
        """[I|we|he|she|they|my friend] {0}
        I [just|] {0}
        [he|she] {0} [yesterday|today|last week|]
        you {0}
        I can't believe I {0}
        oh no, I {0}
        sorry, I {0}
        so sad that you {0}""",
    ),
    "success not": (
        "disappointed",
        "success",
        """[I|we|he|she] almost {0}, but no
        nobody {0}
        [I|he|she] never {0}
        everyone {0} except me
        I wish I {0}""",
    ),
    "insult": (
        "disappointed",
        "insult",
        """you are {0}
        [he|she] is [such|] {0}
        why are you {0}
        stop being {0}
        your friend is {0}
        I think you are {0}
        don't be {0}""",
    ),
    "praise": (
        "smile",
        "praise",
        """you are {0}
        [he|she] is {0}
        my teacher is {0}
        I think you are {0}
        your friend is {0}
        wow, you are {0}""",
    ),
    "praise not": ("disappointed", "praise", "you are not {0}\n[he|she] is not {0}\nyou will never be {0}"),
    "love": (
        "heart",
        "beloved",
        """I {loving} my {0}
        [he|she] loves [his|her] {0}
        my {0} is [so dear to me|the love of my life|my everything|in my heart|so sweet and loving]
        I love you, {0}
        [we|they] {loving} our {0}
        a kiss for my {0}
        I miss my {0}
        hugs to your {0}
        my {0} loves me
        {loving} you, {0}
        my {0} gave me a [kiss|hug]""",
    ),
    "love not": (
        "disappointed",
        "beloved",
        """my {0} doesn't love me
        I don't love my {0} anymore
        my {0} hates me
        my {0} left me
        my {0} died
        my {0} is [sick|angry|in hospital|sad|crying|not talking to me]
        I lost my {0}
        nobody loves my {0}
        I hate my {0}
        my {0} yelled at me
        I have no {0}""",
    ),
    "food": (
        "fork_and_knife",
        "food",
        """I [want|like|love|ordered|bought|cooked|ate|need] [some|] {0}
        do you [like|want] {0}
        [he|she] [eats|loves|likes|cooks|wants] {0}
        {0} for [breakfast|lunch|dinner|supper]
        the {0} is {tasty}
        {tasty} {0}
        can I have {0}
        {0} with {food}
        let's {cook} {0}
        we had {0} for [breakfast|lunch|dinner|supper]
        I don't eat {0}
        [some|more|] {0} please
        {0} and {food}
        where can I get {0}
        there is no {0} left""",
    ),
    "food not": (
        "disappointed",
        "food",
        """I don't like [the|this|] {0}
        I hate {0}
        the {0} [is|was|tastes] [awful|terrible|disgusting|horrible|bad]
        the {0} was not good
        the {0} made me sick
        [he|she] doesn't like {0}
        I did not enjoy the {0}
        what terrible {0}""",
    ),
    "meal": (
        "fork_and_knife",
        "meal",
        """let's have {0}
        what about {0}
        [I|we] had {0} [at home|together|with my family|with friends|]
        do you want {0}
        {0} [tonight|tomorrow|at noon|now]
        time for {0}
        I haven't had {0} yet
        [he|she] is making {0}
        join us for {0}
        {0} is ready
        I am hungry, let's get {0}""",
    ),
    "sport": (
        "baseball",
        "sport",
        """do you [like|watch] {0}
        I [like|love|watch|enjoy] {0}
        {0} is my favourite sport
        [he|she] is good at {0}
        {0} practice is [at six|tomorrow|today|over]
        we watched {0} on tv
        the {0} {contest} [is tonight|starts soon|was exciting|is over|begins tomorrow]
        a {0} {contest}
        I don't like {0}, I prefer {sport}
        [he|she] trains {0} every day""",
    ),
    "sport play": (
        "baseball",
        "sport_ball",
        """let's play {0}
        I want to play {0}
        can you play {0}
        [he|she] plays {0}
        we are playing {0} [tonight|tomorrow|after school|in the park]
        I can't play {0} today
        who plays {0}
        the {0} player {play}""",
    ),
    "play": (
        "baseball",
        "play",
        """[he|she|I|we|they] {0}
        the {player} {0}
        our {player} {0} [again|yesterday|today|]
        you {0}""",
    ),
    "contest": (
        "baseball",
        "contest",
        """are you watching the {0}
        the {0} [begins|starts|ended|was exciting|is cancelled|is on sunday]
        who won the {0}
        our {player} is ready for the {0}
        I have tickets for the {0}
        we [won|lost] the {0}
        what a {0}
        the {player} missed the {0}""",
    ),
}

_CHOICE = re.compile(r"\[([^]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")


def sentences(seed: int, *, each: int = 2) -> Iterator[Row]:
    """Yield distinct sentences, in a fixed order for a seed.

    There are ``each`` of them for every word of a grammar's list, twice as many where the grammar negates.
    """
    random_source = random.Random(seed)
    seen: set[str] = set()
    for name, (label, own, text) in GRAMMARS.items():
        patterns = [line.strip() for line in text.splitlines()]
        for part in range(PARTS):
            for word in LISTS[own][part::PARTS]:
                wanted = 2 * each if name.endswith(" not") else each
                for pattern in random_source.sample(patterns, min(wanted, len(patterns))):
                    sentence = _fill(pattern, word, random_source)
                    if sentence not in seen:
                        seen.add(sentence)
                        yield Row(sentence, label, f"grammar: {name} {part + 1}")


def _fill(pattern: str, word: str, random_source: random.Random) -> str:
    text = _CHOICE.sub(lambda match: random_source.choice(match[1].split("|")), pattern)
    text = _SLOT.sub(lambda match: word if match[1] == "0" else random_source.choice(LISTS[match[1]]), text)
    return " ".join(text.split())
