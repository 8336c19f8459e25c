namespace DChat.Terminal.Load;

/// <summary>The sends of one sender that are not answered yet, in the order of their calls.</summary>
internal sealed class InFlight
{
    private readonly List<int> _numbers = [];

    /// <summary>Those that wait to be called again after the server refused them for the moment.</summary>
    private readonly HashSet<int> _heldBack = [];

    public int Count => _numbers.Count;

    public void Add(int number) => _numbers.Add(number);

    /// <summary>False where it was not in flight: the answer is a repeat's.</summary>
    public bool Remove(int number)
    {
        _heldBack.Remove(number);
        var at = _numbers.IndexOf(number);
        if (at < 0)
        {
            return false;
        }

        _numbers.RemoveAt(at);
        return true;
    }

    public void HoldBack(int number) => _heldBack.Add(number);

    /// <summary>True once for each <see cref="HoldBack"/>.</summary>
    public bool Release(int number) => _heldBack.Remove(number);

    /// <summary>What a new connection has to repeat.</summary>
    public IReadOnlyList<int> ToRepeat() => [.. _numbers.Where(number => !_heldBack.Contains(number))];
}
