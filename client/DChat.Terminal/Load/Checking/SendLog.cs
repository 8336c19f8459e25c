namespace DChat.Terminal.Load.Checking;

internal enum SendState : byte
{
    /// <summary>Not answered: it may be in the room or not.</summary>
    Open,

    /// <summary>Answered: it must be in the room, once, where the answer says.</summary>
    Acknowledged,

    /// <summary>Refused for good: nobody may ever see it.</summary>
    Refused,
}

/// <summary>One send and what became of it.</summary>
internal struct Send
{
    /// <summary>When it was due, in <see cref="System.Diagnostics.Stopwatch"/> ticks.</summary>
    public long SentTicks;
    public long Seq;
    public long Rev;
    public int Room;
    public SendState State;

    /// <summary>It was refused for the moment and called again later, so it may stand behind younger sends.</summary>
    public bool CalledAgain;
}

/// <summary>Everything that one sender sent, in the order of its calls. Appended by one thread at a time, read by any.</summary>
internal sealed class SendLog
{
    private readonly ChunkedList<Send> _sends = new();

    public int Count => _sends.Count;

    public ref Send this[int number] => ref _sends[number];

    /// <summary>Notes a send and answers its number.</summary>
    public int Add(int room, long sentTicks) => _sends.Add(new Send { Room = room, SentTicks = sentTicks });

    public void Acknowledge(int number, long seq, long rev)
    {
        ref var send = ref _sends[number];
        send.Seq = seq;
        send.Rev = rev;
        send.State = SendState.Acknowledged;
    }

    public void Refuse(int number) => _sends[number].State = SendState.Refused;

    public void CallAgain(int number) => _sends[number].CalledAgain = true;
}
