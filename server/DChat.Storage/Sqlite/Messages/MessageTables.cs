namespace DChat.Storage.Sqlite.Messages;

/// <summary>A session on <c>messages.db</c> with the statements of every table.</summary>
internal sealed class MessageTables : IDisposable
{
    private readonly SqliteStatement _check;

    private MessageTables(SqliteSession session)
    {
        Session = session;
        Rooms = new RoomTable(session);
        Messages = new MessageTable(session);
        Answers = new AnswerTable(session);
        Reactions = new ReactionTable(session);
        Mentions = new MentionTable(session);
        ReadMarks = new ReadMarkTable(session);
        _check = session.Prepare("UPDATE store SET checks = checks + 1");
    }

    public SqliteSession Session { get; }

    public RoomTable Rooms { get; }

    public MessageTable Messages { get; }

    public AnswerTable Answers { get; }

    public ReactionTable Reactions { get; }

    public MentionTable Mentions { get; }

    public ReadMarkTable ReadMarks { get; }

    /// <summary>Takes over the session: closes it with itself, or where the tables are not there.</summary>
    public static MessageTables Over(SqliteSession session)
    {
        try
        {
            return new MessageTables(session);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Writes a row that means nothing, to see that it can be done.</summary>
    public void Touch() => _check.Run();

    public void Dispose() => Session.Dispose();
}
