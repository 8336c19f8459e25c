using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace DChat.Terminal.Ui;

/// <summary>Emoji by their short names, as people type them: <c>:tada:</c>.</summary>
internal static partial class Emoji
{
    private const string Table = """
        smile=😄 grin=😁 joy=😂 rofl=🤣 wink=😉 blush=😊
        heart_eyes=😍 kiss=😘 thinking=🤔 neutral_face=😐 smirk=😏 unamused=😒
        roll_eyes=🙄 relieved=😌 sleepy=😴 sweat_smile=😅 sweat=😓 cry=😢
        sob=😭 angry=😠 rage=😡 scream=😱 flushed=😳 dizzy_face=😵
        mask=😷 sunglasses=😎 nerd=🤓 confused=😕 worried=😟 open_mouth=😮
        hushed=😯 astonished=😲 tired_face=😫 yawn=🥱 party=🥳 pleading=🥺
        salute=🫡 melting=🫠 shush=🤫 hugs=🤗 upside_down=🙃 slight_smile=🙂
        frown=🙁 skull=💀 ghost=👻 alien=👽 robot=🤖 poop=💩
        cat=🐱 dog=🐶 fox=🦊 bear=🐻 panda=🐼 monkey=🐵
        see_no_evil=🙈 unicorn=🦄 bee=🐝 bug=🐛 snail=🐌 turtle=🐢
        octopus=🐙 whale=🐳 bird=🐦 penguin=🐧 owl=🦉 +1=👍
        thumbsup=👍 -1=👎 thumbsdown=👎 ok_hand=👌 v=✌️ wave=👋
        clap=👏 raised_hands=🙌 pray=🙏 muscle=💪 point_up=☝️ point_down=👇
        point_left=👈 point_right=👉 fist=✊ punch=👊 handshake=🤝 crossed_fingers=🤞
        metal=🤘 writing_hand=✍️ eyes=👀 brain=🧠 heart=❤️ orange_heart=🧡
        yellow_heart=💛 green_heart=💚 blue_heart=💙 purple_heart=💜 black_heart=🖤 broken_heart=💔
        sparkling_heart=💖 fire=🔥 star=⭐ star2=🌟 sparkles=✨ boom=💥
        zap=⚡ snowflake=❄️ sunny=☀️ cloud=☁️ rain=🌧️ umbrella=☔
        rainbow=🌈 ocean=🌊 earth=🌍 moon=🌙 tree=🌳 evergreen=🌲
        cactus=🌵 herb=🌿 four_leaf=🍀 maple_leaf=🍁 rose=🌹 sunflower=🌻
        tulip=🌷 blossom=🌼 mushroom=🍄 apple=🍎 banana=🍌 grapes=🍇
        lemon=🍋 strawberry=🍓 cherries=🍒 peach=🍑 avocado=🥑 tomato=🍅
        carrot=🥕 corn=🌽 bread=🍞 cheese=🧀 egg=🥚 pizza=🍕
        burger=🍔 fries=🍟 taco=🌮 sushi=🍣 ramen=🍜 cake=🍰
        cookie=🍪 donut=🍩 coffee=☕ tea=🍵 beer=🍺 beers=🍻
        wine=🍷 tada=🎉 confetti=🎊 balloon=🎈 gift=🎁 trophy=🏆
        medal=🏅 dart=🎯 game=🎮 dice=🎲 guitar=🎸 music=🎵
        art=🎨 book=📖 books=📚 memo=📝 pencil=✏️ pushpin=📌
        paperclip=📎 scissors=✂️ lock=🔒 unlock=🔓 key=🔑 hammer=🔨
        wrench=🔧 gear=⚙️ link=🔗 bulb=💡 computer=💻 phone=📱
        bell=🔔 no_bell=🔕 mail=📧 inbox=📥 outbox=📤 package=📦
        calendar=📅 clock=🕐 hourglass=⏳ alarm=⏰ mag=🔍 chart=📈
        chart_down=📉 money=💰 rocket=🚀 car=🚗 bike=🚲 train=🚆
        plane=✈️ ship=🚢 house=🏠 tent=⛺ check=✅ white_check_mark=✅
        x=❌ warning=⚠️ question=❓ exclamation=❗ no_entry=⛔ sos=🆘
        100=💯 recycle=♻️ construction=🚧 checkered_flag=🏁 triangular_flag=🚩 white_flag=🏳️
        arrow_up=⬆️ arrow_down=⬇️ arrow_left=⬅️ arrow_right=➡️ repeat=🔁 plus=➕
        minus=➖ infinity=♾️ zzz=💤 speech=💬 shrug=🤷 facepalm=🤦
        ninja=🥷 zombie=🧟 wizard=🧙 crown=👑 gem=💎 bomb=💣
        pill=💊 syringe=💉 microscope=🔬 telescope=🔭 test_tube=🧪 dna=🧬
        """;

    public static readonly ImmutableArray<(string Name, string Text)> All =
    [
        .. Table.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)
            .Select(entry => entry.Split('='))
            .Select(parts => (parts[0], parts[1])),
    ];

    /// <summary>What a reaction offers first.</summary>
    public static readonly ImmutableArray<string> Quick = ["+1", "heart", "joy", "tada", "eyes", "check", "-1", "rocket"];

    private static readonly ImmutableDictionary<string, string> ByName = All.ToImmutableDictionary(e => e.Name, e => e.Text);

    public static string? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>Puts the emoji in place of every short name that is known; code in backticks stays as it is.</summary>
    public static string Expand(string text) => text.Contains(':')
        ? string.Concat(text.Split('`').Select((part, i) => (i == 0 ? "" : "`") + (i % 2 == 0 ? ExpandPart(part) : part)))
        : text;

    private static string ExpandPart(string text) => ShortName().Replace(text, match => Find(match.Groups[1].Value) ?? match.Value);

    [GeneratedRegex(":([a-z0-9_+-]{1,32}):", RegexOptions.CultureInvariant)]
    private static partial Regex ShortName();
}
