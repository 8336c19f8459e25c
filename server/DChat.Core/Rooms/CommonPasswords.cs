using System.Collections.Frozen;

namespace DChat.Core.Rooms;

/// <summary>The passwords of eight characters or more that are tried first, in lower case; from the lists of leaked ones.</summary>
internal static class CommonPasswords
{
    private const string List = """
        00000000 000000000 0000000000 01010101 01012011 0123456789 10101010 10203040 11111111 111111111 1111111111 11112222
        11223344 1122334455 12121212 12131415 12312312 123123123 1231234 12341234 12344321 1234512345 12345678 123456789
        1234567890 12345678910 123456789a 123456789q 12345679 1234567a 1234567q 1234abcd 1234qwer 123454321 123654789 123698745
        123qweasd 123qwe123 123abc123 12qwaszx 13131313 131313131 135792468 147258369 14725836 147852369 159357456 159753456
        19841984 19851985 19861986 19871987 1a2b3c4d 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 20202020
        21212121 22222222 23232323 25802580 30303030 31415926 33333333 44444444 55555555 55556666 66666666 69696969 741852963
        77777777 777777777 78787878 789456123 7894561230 87654321 88888888 888888888 89898989 963852741 98765432 987654321
        9876543210 99999999 999999999 a1234567 a12345678 a123456789 a1b2c3d4 aa123456 aa12345678 aaaaaaaa abc12345 abc123456
        abcd1234 abcdefgh abcdefghi access14 adgjmptw admin123 admin1234 administrator alexander alejandro americano anderson
        andromeda angelina animals1 apollo13 applepie asdasdasd asdf1234 asdfasdf asdfghjk asdfghjkl asdqwe123 austin316
        babygirl babyboy1 bangbang barcelona baseball baseball1 basketball batman123 beautiful bigdaddy billybob blackcat
        blackjack blahblah blink182 bluebird bollocks boomer01 brooklyn bulldogs butterfly buttercup california caroline
        carolina challenge champion changeme chargers charlie1 charlotte cheyenne chelsea1 chester1 chicago1 chocolate
        christian christina christine christopher cjkywtirj clarence classic1 colorado computer1 computer concrete consumer
        cookie123 corvette courtney cowboys1 creative crystal1 danielle darkness december defender diamonds dickhead
        dolphins download drowssap dragon12 dragon123 einstein elephant elizabeth emmanuel enterprise eternity evolution
        explorer falcons1 fashion1 favorite february fernando fireball firebird fireman1 florence florida1 flower123
        flowers1 football football1 forever1 francesco franklin freedom1 friendly friends1 fuckyou1 fuckyou2 gabriel1
        gangster gateway1 geronimo getmoney gfhjkmgfhjkm giovanni godzilla goldfish goodluck gordon24 gateway2 hannover
        hallo123 happy123 hardcore hawaiian hello123 helloworld hellokitty homebrew hollywood hunter12 iceman12 iloveyou
        iloveyou1 iloveyou2 iloveyou! infinity internet ironman1 isabella jackson5 jasmine1 jennifer jessica1 jonathan
        jordan23 justdoit justice1 katherine kawasaki kimberly kingkong knickers lalalala lasvegas leonardo letmein1
        letmein123 liberty1 lifehack liverpool liverpool1 lollipop loveyou1 lovelove love1234 lowrider macintosh madison1
        majestic manchester margaret marijuana marlboro marshall martinez master12 maverick maximus1 mazda626 melissa1
        mercedes metallica michael1 michelle michigan midnight mistress mitchell monkey12 monkey123 montana1 montreal
        mortgage motorola mountain mustang1 napoleon nathalie newcastle newyork1 nicholas nintendo nirvana1 november
        nothing1 nostromo p@ssw0rd pa55word pa55w0rd pakistan panasonic panther1 paradise pass1234 passion1 passw0rd
        password password! password. password0 password1 password1! password12 password123 password1234 password2 password3
        password9 passwort passwort1 patricia peaches1 peekaboo penguin1 personal phantom1 philippe pineapple platinum
        playboy1 pokemon1 porsche9 porsche911 postgres power123 precious princess princess1 private1 punisher q1w2e3r4
        q1w2e3r4t5 qazwsx12 qazwsx123 qazwsxedc qazwsxedcrfv qwaszx12 qweasdzx qweasdzxc qweqweqwe qwer1234 qwerasdf
        qwert123 qwert1234 qwerty12 qwerty123 qwerty1234 qwerty12345 qwertyui qwertyuiop qwertz123 rainbow1 raiders1
        rammstein rangers1 rasputin rebecca1 redskins redsox04 remember rhapsody richmond rockstar rolltide rootroot
        rosebud1 rush2112 samantha samsung1 sandiego santiago saturday scorpion scotland secret12 secret123 september
        sergeant shadow12 shannon1 shithead skywalker slipknot snickers snowball snowboard softball something southern
        spiderman spitfire squirrel stargate starlight startrek starwars starwars1 steelers stephanie sterling stingray
        strawberry success1 summer12 sunshine sunshine1 superman superman1 superstar superuser swordfish sylvester
        symmetry target123 teddybear tennessee terminal test1234 testtest testing1 testing123 thailand thebeast thomas12
        thunder1 tiffany1 timberwolf tinkerbell together tomorrow toronto1 tottenham trinity1 trustme1 trustno1 twilight
        undertaker unicorn1 username valentin valentina vanhalen vfhbyf12 victoria viktoria vladimir warcraft warrior1
        webmaster welcome1 welcome12 welcome123 welcome2 whatever whatever1 williams willow12 winston1 wolverine woodland
        wrestling xboxlive yankees1 yankees2 yamahar1 yourmom1 zaq12wsx zaq1zaq1 zaq1xsw2 zxcvbnm1 zxcvbnm123 zzzzzzzz
        """;

    private static readonly FrozenSet<string> Passwords =
        List.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static bool Contains(string password) => Passwords.Contains(password);
}
