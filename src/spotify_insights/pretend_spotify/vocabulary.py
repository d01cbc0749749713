"""The words that fictional artists and tracks are named with."""

from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


FIRST_NAMES: Final = _words("""
    Adaeze Alma Anouk Ansel Aoife Bastien Bea Caspian Celestine Cosmo Dagny Davor Delphine Eirik Elowen
    Emeka Esme Farah Fintan Gideon Greta Halina Hollis Idris Imani Ines Isolde Jun Juno Kaito Katya
    Kofi Lior Lorcan Lucinda Maelle Marit Mateus Mireille Nadir Nell Niko Odette Orla Pia Quentin Rafi
    Renske Rosalind Saoirse Sefa Soren Tamsin Teodor Thandiwe Tove Ulla Vesna Wilhelmina Xiomara Yusra Zeb
""")
SURNAME_STARTS: Final = _words("""
    Ald Ash Bel Brin Cal Corr Dov Els Fen Gar Hal Hol Ing Jar Kel Lor Mar Nor Orr Pell Quil Ros Sel Tarn
    Und Vas Wes Yar Zan
""")
SURNAME_ENDS: Final = _words("""
    aby andra bourne bry da dreth enko era fell gate grave haven ista ley lind low mere mont more ori ovic
    qvist ridge sen stad strand ton uma venday ware wick
""")

BAND_ADJECTIVES: Final = _words("""
    Amber Borrowed Brittle Careless Copper Crooked Distant Drowsy Electric Empty Faded Feral Foreign
    Gentle Gilded Hollow Homesick Idle Ivory Lesser Little Lucid Midnight Minor Paper Patient Pale Plastic
    Quiet Reckless Rented Restless Rival Rusted Salted Second Secret Shallow Silver Sleepless Soft Spare
    Static Sunken Tender Tidal Timid Unlit Velvet Wandering Western Winter
""")
BAND_NOUNS: Final = _words("""
    Almanac Antenna Arcade Archive Atlas Avenue Balcony Bicycle Boulevard Cabin Canary Carousel Cathedral
    Chandelier Cinema Comet Compass Corridor Elevator Estuary Fable Ferry Fox Glacier Harbour Heron
    Hotel Lagoon Lantern Letter Lighthouse Machine Magpie Meadow Meridian Mirror Motel Museum Orchard
    Parade Passenger Pavilion Pilot Postcard Promise Radio Railway Satellite Season Signal Skyline Stranger
    Summer Telegraph Terrace Theatre Umbrella Valley Window
""")
PRODUCER_STARTS: Final = _words("""
    Ax Bor Cy Dek Echt Fluo Grau Hex Iso Kro Lumo Mono Nok Null Oto Pol Qua Rez Sol Strobo Tekt Ultra Vant
    Volt Wav Xeno Zen
""")
PRODUCER_ENDS: Final = _words("""
    ara aton berg dax drift ek form gram haus ikon ix kreis lab lith mat nik oid or phase plex raum rel
    scape sektor state tide tron us werk
""")
MC_TITLES: Final = _words(
    "Big Brother Deacon DJ Doc Don Kid King Lady MC Miss Mister Prince Queen Saint Young"
)
MC_NAMES: Final = _words("""
    Abacus Basalt Bricks Cadence Cobalt Diesel Domino Fathom Gravel Halftone Indigo Jubilee Kestrel
    Ledger Marrow Mercury Nimbus Noon Onyx Parallax Quarters Ransom Saffron Tempo Undertow Verdict Vesper
    Weather Zircon
""")

TITLE_ADJECTIVES: Final = _words("""
    Another Blue Bright Broken Brand-New Cold Dangerous Easy Endless Every False Final Forgotten Golden
    Good Half Heavy High Honest Hopeful Late Lazy Long Loose Lonely Lucky My New Old Only Open Other
    Perfect Quiet Rainy Red Same Second Seventh Shy Simple Slow Small Strange Stubborn Sudden Sweet Tired
    Untold Warm Weightless Wild Wrong Young Your
""")
TITLE_NOUNS: Final = _words("""
    Afternoon Alarm Answer Apartment Arrow August Ballroom Bird Blood Body Bones Bridge Ceiling Chance
    City Clockwork Cloud Coastline Colour Conversation Crowd Curtain Dancer Daylight December Distance
    Door Dust Echo Ember Engine Excuse Fever Fire Floor Flood Flower Forecast Garden Ghost Glass Goodbye
    Gravity Habit Halo Heart Heat Highway Holiday Home Horizon Hour Island July Key Kitchen Ladder Lake
    Language Light Lightning Lines Lover Map Memory Message Metal Mile Moon Morning Mountain Mouth Name
    Neighbour Night Number Ocean Orbit Photograph Pocket Porch Promise Pulse Question Rain Reason
    River Road Roof Room Rumour Sand Satellite Saturday Season Secret Shadow Shelter Shoes Silence Sister
    Skin Sky Sleep Smoke Snow Song Souvenir Spring Stairs Star Station Stone Storm Street Sugar Sunday
    Surface Telephone Thunder Ticket Tide Train Tuesday Twin Undertow Valley Voice Wall Water Wave Weekend
    Wheel Wind Window Winter Wire Wish World Year
""")
TITLE_VERBS: Final = _words("""
    Believe Borrow Break Call Carry Catch Chase Come Cross Dance Drift Drive Fall Find Follow Forget Forgive
    Hide Hold Hurry Keep Kiss Know Lean Leave Lift Linger Listen Lose Love Meet Miss Move Need Open Pull Push
    Remember Ride Ring Run Save See Shake Shine Sing Sink Slow_Down Speak Stay Steal Stop Surrender Sway Swim
    Take Talk Touch Trust Try Turn Wait Wake Walk Wander Want Watch Whisper
""")
TITLE_ENDINGS: Final = _words("""
    Across_the_Water After_All Again All_Night Alone Anyway Around_You at_the_Same_Time Away Before_You_Go
    Closer for_the_Summer Forever Gently in_Colour in_the_Dark Like_That Like_You_Mean_It Me_Anyway Me_Over_It
    Me_Tomorrow More on_Me Outside Past_the_Harbour Slowly That_Light the_City
    the_Feeling the_Line the_Night the_Rain This_Time Through_It to_Me Together Tomorrow Tonight Twice
    Until_It's_Over Up_There What_You_Said with_Me Without_You You You_Home You_Well
""")
PLACES: Final = _words("""
    Antwerp Bergen Bristol Bruges Cadiz Chania Cork Detroit Dresden Faro Galway Genoa Ghent Gijon Halifax
    Kobe Leith Lille Lima Lodz Malmo Manila Nantes Naples Oslo Perth Porto Quito Riga Rouen Salem Seville
    Split Tampere Tbilisi Trieste Tromso Tulsa Utrecht Valparaiso Winnipeg Yokohama Zadar
""")
CLUB_SUFFIXES: Final = _words("Extended_Mix Dub Original_Mix Night_Version Club_Mix Instrumental Reprise")
LABELS: Final = _words("""
    Back_Stair_Records Blue_Kettle Common_Orbit Fourth_Floor_Music Gull_&_Lantern Half_Moon_Tapes
    Ivory_Tower_Sound Low_Tide_Recordings Nine_Bridges North_Pier Paper_Lion Second_Sunday Tin_Roof
    Velvet_Antenna
""")
