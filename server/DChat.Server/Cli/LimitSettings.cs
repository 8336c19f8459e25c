using DChat.Protocol;

namespace DChat.Server.Cli;

/// <summary>The part of the table of settings that holds the limits.</summary>
internal static class LimitSettings
{
    private const int Most = 1_000_000_000;

    public static IEnumerable<Setting> All() =>
    [
        Number("sendBurst", "sends that a user may make at once", 0, Most, l => l.SendBurst, (l, v) => l with { SendBurst = v }),
        Number("sendsPerSecond", "sends a second of a user after the burst", 0, Most, l => l.SendsPerSecond, (l, v) => l with { SendsPerSecond = v }),
        Number("callBurst", "other calls that a user may make at once", 0, Most, l => l.CallBurst, (l, v) => l with { CallBurst = v }),
        Number("callsPerSecond", "other calls a second of a user after the burst", 0, Most, l => l.CallsPerSecond, (l, v) => l with { CallsPerSecond = v }),
        Number("connectionsPerAddress", "open connections of one address", 0, Most, l => l.ConnectionsPerAddress, (l, v) => l with { ConnectionsPerAddress = v }),
        Number("connections", "open connections in all", 0, Most, l => l.Connections, (l, v) => l with { Connections = v }),
        Number("connectionsPerUser", "open connections of one user", 0, Most, l => l.ConnectionsPerUser, (l, v) => l with { ConnectionsPerUser = v }),
        Number("reconnectsPerSecond", "clients that are to come back to the other workers in a second where this one is lost", 0, Most, l => l.ReconnectsPerSecond, (l, v) => l with { ReconnectsPerSecond = v }),
        Number("openRequests", "calls of one connection that are worked on at once; more wait", 1, 10_000, l => l.OpenRequests, (l, v) => l with { OpenRequests = v }),
        Bytes("outboxBytes", "what may wait for one connection before it gets resync", 64 << 10, 1 << 30, l => l.OutboxBytes, (l, v) => l with { OutboxBytes = v }),
        Bytes("hubCallBytes", "the largest hub call", 16 << 10, ProtocolLimits.HubCallBytesMax, l => l.HubCallBytes, (l, v) => l with { HubCallBytes = (int)v }),
        Bytes("httpBodyBytes", "the largest HTTP request that is not a file", 16 << 10, 16 << 20, l => l.HttpBodyBytes, (l, v) => l with { HttpBodyBytes = (int)v }),
        Number("bodyCodePoints", "the longest message, in code points", 1, ProtocolLimits.BodyMax, l => l.BodyCodePoints, (l, v) => l with { BodyCodePoints = v }),
        Number("roomNameChars", "the longest room name", 1, ProtocolLimits.RoomNameMax, l => l.RoomNameChars, (l, v) => l with { RoomNameChars = v }),
        Number("topicCodePoints", "the longest topic, in code points", 1, ProtocolLimits.TopicMax, l => l.TopicCodePoints, (l, v) => l with { TopicCodePoints = v }),
        Number("roomsPerUser", "rooms of which a user may be a member", 0, Most, l => l.RoomsPerUser, (l, v) => l with { RoomsPerUser = v }),
        Number("membersPerRoom", "members of a room", 0, Most, l => l.MembersPerRoom, (l, v) => l with { MembersPerRoom = v }),
        Number("loginAttemptsPerAccount", "failed logins of an account before each further one must wait", 0, Most, l => l.LoginAttemptsPerAccount, (l, v) => l with { LoginAttemptsPerAccount = v }),
        Number("loginAttemptsPerAddress", "failed logins from an address before each further one must wait", 0, Most, l => l.LoginAttemptsPerAddress, (l, v) => l with { LoginAttemptsPerAddress = v }),
        Number("loginDelaySeconds", "the first such wait; it doubles each time", 1, 3_600, l => l.LoginDelaySeconds, (l, v) => l with { LoginDelaySeconds = v }),
        Number("loginDelayMaxSeconds", "the longest such wait", 1, 86_400, l => l.LoginDelayMaxSeconds, (l, v) => l with { LoginDelayMaxSeconds = v }),
        Number("registrationsPerAddress", "accounts that one address may register in an hour", 0, Most, l => l.RegistrationsPerAddress, (l, v) => l with { RegistrationsPerAddress = v }),
        Number("passwordHashes", "passwords that are hashed at once; 0: one for each processor but one", 0, 1_024, l => l.PasswordHashes, (l, v) => l with { PasswordHashes = v }),
        Number("tokensPerUser", "long-lived tokens of one account", 0, Most, l => l.TokensPerUser, (l, v) => l with { TokensPerUser = v }),
        Number("searchBurst", "searches that a user may make at once", 0, Most, l => l.SearchBurst, (l, v) => l with { SearchBurst = v }),
        Number("searchesPerSecond", "searches a second of a user after the burst", 0, Most, l => l.SearchesPerSecond, (l, v) => l with { SearchesPerSecond = v }),
        Number("concurrentSearches", "searches that run at once, of all users; more wait", 1, 64, l => l.ConcurrentSearches, (l, v) => l with { ConcurrentSearches = v }),
        Number("searchMilliseconds", "the longest time that a search may take", 0, 600_000, l => l.SearchMilliseconds, (l, v) => l with { SearchMilliseconds = v }),
        Bytes("fileBytes", "the largest file", 0, 1L << 40, l => l.FileBytes, (l, v) => l with { FileBytes = v }),
        new("limits.fileTypes", Settings.LimitGroup, "media types separated by commas, such as image/*,text/plain, or *", "the media types that may be uploaded; *: any", o => o.Limits.FileTypes, SetFileTypes) { Placeholder = "TYPES" },
        Number("filesPerHour", "files that a user may upload in an hour", 0, Most, l => l.FilesPerHour, (l, v) => l with { FilesPerHour = v }),
        Number("concurrentUploads", "uploads at once, of all users; more are refused", 1, 10_000, l => l.ConcurrentUploads, (l, v) => l with { ConcurrentUploads = v }),
    ];

    private static Setting Number(string name, string about, int min, int max, Func<LimitsOptions, int> show, Func<LimitsOptions, int, LimitsOptions> set) =>
        Setting.Number("limits." + name, Settings.LimitGroup, about, min, max, o => show(o.Limits), (o, v) => o with { Limits = set(o.Limits, v) });

    private static Setting Bytes(string name, string about, long min, long max, Func<LimitsOptions, long> show, Func<LimitsOptions, long, LimitsOptions> set) =>
        Setting.Bytes("limits." + name, Settings.LimitGroup, about, min, max, o => show(o.Limits), (o, v) => o with { Limits = set(o.Limits, v) });

    private static ServerOptions SetFileTypes(ServerOptions options, string text)
    {
        var types = text.Split(',', StringSplitOptions.TrimEntries);
        return types.All(type => type == "*" || (type.Split('/') is [{ Length: > 0 }, { Length: > 0 }]))
            ? options with { Limits = options.Limits with { FileTypes = string.Join(',', types) } }
            : throw new FormatException();
    }
}
