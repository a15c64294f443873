"""Phrases about what pictures show, made by a small grammar.

The words are a plain everyday vocabulary written for this purpose; no caption of any data set was
used. ``phrases`` draws sentences from them, the same ones for the same seed.
"""

from __future__ import annotations

import random

PEOPLE = """man|woman|boy|girl|child|baby|toddler|teenager|young man|young woman|old man|old woman|
couple|family|crowd|group of people|group of children|father|mother|grandmother|bride|groom|friend|
stranger|worker|farmer|fisherman|cook|waiter|doctor|nurse|teacher|student|soldier|policeman|
firefighter|musician|singer|guitarist|drummer|dancer|artist|painter|photographer|clown|actor|
tourist|hiker|climber|runner|swimmer|surfer|skier|snowboarder|skateboarder|cyclist|biker|
motorcyclist|rider|cowboy|boxer|wrestler|gymnast|football player|soccer player|basketball player|
baseball player|tennis player|hockey player|volleyball player|goalkeeper|referee|cheerleader|
driver|pilot|sailor|diver|astronaut|king|queen|monk|priest|beggar|street vendor|shopkeeper|
carpenter|mechanic|scientist|businessman|passenger|audience|team|marching band|spectator"""

ANIMALS = """dog|puppy|black dog|brown dog|white dog|cat|kitten|horse|pony|cow|bull|calf|sheep|
lamb|goat|pig|donkey|camel|elephant|giraffe|zebra|lion|tiger|leopard|bear|polar bear|panda|monkey|
gorilla|wolf|fox|deer|moose|rabbit|squirrel|hedgehog|mouse|rat|bat|kangaroo|koala|hippopotamus|
rhinoceros|otter|beaver|seal|walrus|whale|dolphin|shark|fish|goldfish|salmon|jellyfish|octopus|
crab|lobster|starfish|turtle|tortoise|frog|toad|snake|lizard|crocodile|dinosaur|bird|chicken|hen|
rooster|duck|goose|swan|turkey|peacock|pigeon|seagull|eagle|hawk|owl|parrot|crow|robin|sparrow|
hummingbird|penguin|flamingo|ostrich|pelican|stork|woodpecker|butterfly|moth|bee|wasp|fly|mosquito|
dragonfly|ladybug|beetle|ant|grasshopper|spider|scorpion|snail|worm|flock of birds|herd of cattle|
pack of dogs"""

VEHICLES = """car|red car|taxi|bus|school bus|truck|pickup truck|van|ambulance|fire engine|
police car|tractor|bulldozer|excavator|crane|motorcycle|scooter|bicycle|mountain bike|tricycle|
wheelchair|stroller|cart|wagon|carriage|train|steam locomotive|subway|tram|cable car|airplane|jet|
helicopter|hot air balloon|glider|parachute|rocket|space shuttle|boat|sailboat|rowing boat|canoe|
kayak|raft|ferry|ship|cruise ship|submarine|jet ski|sled|snowmobile|race car|go-kart|dirt bike|
skateboard|roller skates|all-terrain vehicle"""

THINGS = """ball|soccer ball|basketball|football|baseball bat|tennis racket|tennis ball|golf club|
hockey stick|frisbee|kite|swing|slide|seesaw|trampoline|surfboard|snowboard|skis|ice skates|helmet|
rope|ladder|tent|backpack|suitcase|umbrella|hat|cap|scarf|gloves|shoes|boots|sneakers|sandals|
shirt|jacket|coat|dress|skirt|jeans|shorts|suit|tie|uniform|costume|mask|swimsuit|life jacket|
sunglasses|glasses|watch|necklace|ring|crown|flag|sign|banner|poster|statue|sculpture|painting|
mural|graffiti|book|newspaper|magazine|letter|envelope|map|pencil|pen|crayons|paintbrush|scissors|
camera|tripod|telephone|mobile phone|computer|laptop|keyboard|television|radio|microphone|
loudspeaker|headphones|guitar|violin|cello|piano|drum|trumpet|saxophone|flute|accordion|harp|clock|
alarm clock|lamp|candle|light bulb|lantern|fireworks|campfire|bonfire|balloon|toy|doll|teddy bear|
building blocks|puzzle|chess board|playing cards|dice|gift|christmas tree|snowman|pumpkin|
scarecrow|table|chair|bench|couch|bed|pillow|blanket|shelf|cupboard|desk|mirror|window|door|
curtain|carpet|stairs|fence|gate|wall|brick wall|roof|chimney|fireplace|stove|oven|refrigerator|
sink|bathtub|shower|toilet|towel|soap|toothbrush|bucket|broom|mop|hose|shovel|rake|wheelbarrow|
lawn mower|hammer|saw|screwdriver|drill|axe|wrench|nail|chain|key|lock|box|basket|bag|bottle|glass|
cup|mug|plate|bowl|fork|knife|spoon|pan|pot|kettle|teapot|tray|stick|log|rock|stone|sand castle|
bubbles|mud|puddle|snowball|ice cube|feather|egg|nest|bone|leash|collar|saddle|cage|aquarium|net|
fishing rod|anchor|oar|sail|wheel|tire|engine|traffic light|stop sign|street lamp|mailbox|
trash can|fire hydrant|telephone booth|vending machine|shopping cart|coin|money|medal|trophy|gun|
sword|shield|bow and arrow|cannon|microscope|telescope|globe|test tube|stethoscope|syringe|bandage|
pill|wheel of fortune|carousel|roller coaster|ferris wheel"""

FOOD = """apple|orange|banana|pear|peach|plum|cherry|strawberry|raspberry|grapes|watermelon|melon|
pineapple|lemon|lime|mango|coconut|kiwi|avocado|tomato|potato|carrot|onion|garlic|pepper|cucumber|
lettuce|cabbage|broccoli|cauliflower|spinach|peas|beans|corn|mushroom|eggplant|bread|toast|
sandwich|hamburger|hot dog|pizza|pasta|spaghetti|rice|noodles|soup|salad|steak|roast chicken|
sausage|bacon|ham|fried egg|omelette|cheese|butter|milk|yogurt|ice cream|cake|birthday cake|
cupcake|pie|cookie|doughnut|pancakes|chocolate|candy|lollipop|honey|jam|nuts|popcorn|french fries|
sushi|taco|dumplings|curry|barbecue|coffee|tea|juice|beer|wine|cocktail|glass of water|breakfast|
dinner|picnic"""

NATURE = """beach|ocean|sea|wave|lake|river|stream|waterfall|pond|swamp|island|coast|cliff|
mountain|snowy mountain|hill|valley|canyon|cave|desert|sand dune|forest|jungle|tree|palm tree|
pine tree|bush|grass|lawn|meadow|field|wheat field|garden|flower|rose|tulip|sunflower|daisy|orchid|
cactus|leaf|autumn leaves|moss|fern|bamboo|sky|clouds|sun|moon|stars|sunrise|sunset|rainbow|rain|
storm|lightning|fog|snow|ice|glacier|iceberg|volcano|fire|smoke|dust|sand|rocks|path|trail|
dirt road|reef|planet|galaxy|comet"""

BUILT = """house|cottage|cabin|apartment building|skyscraper|tower|castle|palace|church|cathedral|
mosque|temple|pyramid|ruins|bridge|tunnel|lighthouse|windmill|barn|farm|factory|warehouse|school|
classroom|library|museum|theater|stage|concert|stadium|court|gym|swimming pool|playground|park|zoo|
amusement park|fair|circus|market|shop|supermarket|mall|restaurant|cafe|bar|kitchen|dining room|
living room|bedroom|bathroom|office|hallway|elevator|staircase|balcony|porch|garage|parking lot|
street|city street|alley|sidewalk|crosswalk|intersection|highway|road|train station|railway|
airport|runway|harbor|dock|pier|boardwalk|fountain|monument|cemetery|hospital|laboratory|
construction site|city skyline|village|square|skate park|race track|finish line|ski slope|ice rink|
golf course|baseball field|soccer field|basketball court|tennis court|volleyball court|boxing ring|
bus stop|gas station|greenhouse|vineyard|campsite|parade|wedding|party|festival|protest|funeral|
graduation"""

ACTIONS = """walking|running|jumping|standing|sitting|lying down|kneeling|crouching|climbing|
crawling|falling|sleeping|resting|smiling|laughing|crying|yelling|talking|singing|dancing|clapping|
waving|pointing|hugging|kissing|holding hands|shaking hands|praying|reading|writing|drawing|
painting|studying|working|typing|cooking|baking|eating|drinking|washing|cleaning|sweeping|shopping|
selling|paying|cutting|building|digging|planting|gardening|harvesting|fishing|hunting|swimming|
diving|splashing|surfing|sailing|rowing|paddling|kayaking|water skiing|skiing|snowboarding|
sledding|ice skating|roller skating|skateboarding|riding a bicycle|riding a motorcycle|
riding a horse|riding a bull|riding a skateboard|riding a scooter|riding a wave|driving a car|
racing|flying a kite|throwing a ball|catching a ball|kicking a ball|hitting a ball|chasing a ball|
catching a frisbee|playing soccer|playing football|playing baseball|playing basketball|
playing tennis|playing volleyball|playing hockey|playing golf|playing rugby|playing cards|
playing chess|playing a video game|playing the guitar|playing the drums|playing the piano|
playing the violin|playing music|playing in the sand|playing in the water|playing in the snow|
playing with a toy|playing with a dog|playing tug of war|wrestling|boxing|fighting|stretching|
lifting weights|doing yoga|doing a handstand|doing a flip|doing a trick|jumping over a fence|
jumping into the water|jumping off a rock|jumping on a bed|jumping on a trampoline|
leaping through the air|climbing a rock|climbing a tree|climbing a ladder|climbing stairs|
rock climbing|hiking|camping|balancing|hanging from a rope|swinging|sliding|spinning|rolling|
carrying a bag|carrying a child|pushing a cart|pulling a sled|lifting a box|holding a baby|
holding a camera|holding a sign|holding a flag|holding a microphone|holding a stick|
holding an umbrella|holding a ball|wearing a hat|wearing a helmet|wearing sunglasses|
wearing a costume|wearing a mask|wearing a red shirt|wearing a blue shirt|wearing a black jacket|
wearing a white dress|wearing a uniform|taking a picture|talking on the phone|using a computer|
watching television|listening to music|looking at the camera|looking out the window|looking up|
looking through a telescope|waiting|watching|posing|performing|juggling|blowing bubbles|
blowing out candles|opening a present|feeding birds|feeding a horse|walking a dog|petting a dog|
brushing teeth|washing a car|fixing a bicycle|chopping wood|lighting a candle|smoking|shaving|
getting dressed|crossing the street|crossing a river|wading through water|walking through snow|
walking up a hill|running on the beach|marching in a parade|cheering|celebrating|giving a speech|
getting married|riding a roller coaster"""

ANIMAL_ACTIONS = """running|jumping|walking|standing|sitting|lying down|sleeping|eating|drinking|
swimming|flying|barking|playing|fighting|chasing|hiding|climbing|digging|jumping over a hurdle|
jumping into the water|shaking off water|carrying a stick|carrying a ball|catching a frisbee|
chasing a ball|chewing a bone|biting a toy|licking its nose|looking at the camera|
running through the grass|running through the snow|running through water|rolling on its back|
pulling a sled|wearing a collar|sticking out its tongue|with its mouth open|on a leash|
with a toy in its mouth|racing|grazing|being petted|standing on two legs"""

PLACES = """on a beach|on the sand|in the ocean|in the water|in a pool|in a lake|in a river|
by the sea|on a boat|on a dock|on a bridge|on a mountain|on a cliff|on a rock|on a hill|
in the woods|in a forest|in a desert|in a field|in the grass|in a meadow|in a garden|in a park|
on a playground|on a swing|under a tree|in the snow|on the ice|in the mud|in the rain|in the air|
at night|at sunset|at dawn|in the sunshine|in the dark|on a street|on a sidewalk|on a road|
on a dirt road|on a track|on a trail|in a city|in a town|in a village|in a market|in a shop|
in a restaurant|in a kitchen|in a bedroom|in a living room|in a bathroom|in a classroom|
in an office|in a library|in a museum|in a church|in a gym|in a stadium|on a stage|on a court|
at a concert|at a party|at a wedding|at a parade|at a fair|at the zoo|at a train station|
at an airport|in a car|on a bus|on a train|on a couch|on a bed|on a bench|on a chair|at a table|
on the floor|on stairs|on a roof|on a balcony|by a window|by a fence|by a fire|
in front of a building|in front of a wall|in front of a crowd|behind a fence|near a fountain|
near a waterfall|next to a car|next to a statue|beside a river|above the clouds|under water|
under a bridge|through a tunnel|down a slide|down a hill|up a mountain|over a fence|
around a corner"""

QUALITIES = """red|blue|green|yellow|orange|purple|pink|black|white|brown|grey|gold|silver|striped|
colorful|dark|bright|big|small|tiny|huge|tall|long|round|old|new|broken|dirty|clean|wet|dry|wooden|
metal|plastic|glass|stone|empty|full|frozen|burning|beautiful|happy|sad|angry|sleepy|funny|young|
furry|spotted|fast|hot|cold|toy|painted"""

CLOTHES = """a red shirt|a blue shirt|a green shirt|a yellow shirt|a white shirt|a black shirt|
a pink dress|a white dress|a blue dress|a red dress|a black suit|a red jacket|a blue jacket|
an orange vest|a yellow raincoat|a hat|a red hat|a cowboy hat|a baseball cap|a helmet|jeans|shorts|
a swimsuit|a bikini|a wetsuit|a uniform|a red uniform|a white uniform|a costume|a mask|sunglasses|
glasses|a scarf|a sweater|a hooded sweatshirt|a winter coat|a life jacket|a backpack|
a wedding dress|an apron|a kimono|a sari|a turban|a headscarf|boots|pajamas|traditional dress|
face paint"""

VIEWS = """a photo of|a picture of|a close-up of|a drawing of|a painting of|
a black and white photo of|a view of|an aerial view of|the inside of|a silhouette of|a cartoon of|
a row of|a pile of|a pair of|many|two|three|several"""

NUMBERS = ("two", "three", "four", "several", "many")
PLURALS = """men|women|boys|girls|children|people|kids|young men|young women|dogs|puppies|cats|
horses|birds|players|runners|cyclists|friends|workers|soldiers|musicians|dancers|students|tourists|
hikers|teenagers|babies|cars|boats|motorcycles|bicycles|balloons"""


def words(block: str) -> list[str]:
    """The entries of one of the blocks above."""
    return [entry.strip() for entry in block.replace("\n", "").split("|")]


def phrases(count: int, seed: int = 0) -> list[str]:
    """Phrases without repeats: every noun and action alone first, then random sentences.

    Args:
        count: how many; at least the vocabulary's own length is given.
        seed: which sentences.
    """
    chooser = random.Random(seed)  # noqa: S311
    nouns = [
        noun for block in (ANIMALS, VEHICLES, THINGS, FOOD, NATURE, BUILT) for noun in words(block)
    ]
    alone = (
        words(PEOPLE) + nouns + words(ACTIONS) + words(PLACES) + words(CLOTHES) + words(QUALITIES)
    )
    found = dict.fromkeys(alone)
    while len(found) < count:
        found.setdefault(_sentence(chooser, nouns))
    return list(found)


def _sentence(chooser: random.Random, nouns: list[str]) -> str:
    def pick(block: str) -> str:
        return chooser.choice(words(block))

    def a(noun: str) -> str:
        return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"

    noun, other = chooser.choice(nouns), chooser.choice(nouns)
    person = a(pick(PEOPLE))
    forms = {
        f"{person} {pick(ACTIONS)}": 14,
        f"{person} {pick(ACTIONS)} {pick(PLACES)}": 20,
        f"{person} in {pick(CLOTHES)} {pick(ACTIONS)}": 10,
        f"{person} in {pick(CLOTHES)} {pick(PLACES)}": 5,
        f"{person} and {a(pick(PEOPLE))} {pick(ACTIONS)}": 6,
        f"{chooser.choice(NUMBERS)} {pick(PLURALS)} {pick(ACTIONS)} {pick(PLACES)}": 9,
        f"{a(pick(ANIMALS))} {pick(ANIMAL_ACTIONS)}": 6,
        f"{a(pick(ANIMALS))} {pick(ANIMAL_ACTIONS)} {pick(PLACES)}": 7,
        f"{person} with {a(noun)}": 5,
        f"{a(pick(QUALITIES))} {noun}": 9,
        f"{pick(VIEWS)} {noun}": 5,
        f"{a(noun)} and {a(other)}": 5,
        f"{a(noun)} {pick(PLACES)}": 6,
        f"{a(pick(VEHICLES))} {pick(PLACES)}": 3,
    }
    return chooser.choices(list(forms), list(forms.values()))[0]
