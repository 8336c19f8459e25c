namespace DChat.Server.Worker.Host;

/// <summary>The gateways at which a user of a room is connected, and how the user stands at each: nearly always one. Never changed in place.</summary>
internal readonly struct GatewaySeats
{
    private readonly object? first;
    private readonly PresenceState firstState;
    private readonly (object Gateway, PresenceState State)[]? others;

    public GatewaySeats(object gateway, PresenceState state) => (first, firstState) = (gateway, state);

    private GatewaySeats((object Gateway, PresenceState State)[] all)
    {
        if (all.Length > 0)
        {
            (first, firstState) = all[0];
            others = all.Length > 1 ? all[1..] : null;
        }
    }

    public bool IsEmpty => first is null;

    /// <summary>The highest of all.</summary>
    public PresenceState State
    {
        get
        {
            var state = firstState;
            foreach (var other in others ?? [])
            {
                state = (PresenceState)Math.Max((byte)state, (byte)other.State);
            }

            return state;
        }
    }

    public bool IsOnly(object gateway) => first == gateway && others is null;

    public bool Has(object gateway) => first == gateway || (others is not null && Array.Exists(others, seat => seat.Gateway == gateway));

    public GatewaySeats With(object gateway, PresenceState state) =>
        first is null || (first == gateway && others is null)
            ? new GatewaySeats(gateway, state)
            : new GatewaySeats([.. Except(gateway), (gateway, state)]);

    public GatewaySeats Without(object gateway) => others is null
        ? first == gateway ? default : this
        : new GatewaySeats([.. Except(gateway)]);

    private IEnumerable<(object Gateway, PresenceState State)> Except(object gateway) =>
        (first is null ? [] : others is null ? [(first, firstState)] : others.Prepend((first, firstState))).Where(seat => seat.Item1 != gateway);
}
