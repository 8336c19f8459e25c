using DChat.Protocol;

namespace DChat.Server.Worker.Calls;

/// <summary>How a call ended: a value, or an expected failure with its code.</summary>
internal readonly struct Answer<T>
{
    private Answer(T? value, HubError? error)
    {
        Value = value;
        Error = error;
    }

    /// <summary>Set where <see cref="Error"/> is null.</summary>
    public T? Value { get; }

    public HubError? Error { get; }

    public static implicit operator Answer<T>(T value) => new(value, null);

    public static implicit operator Answer<T>(HubError error) => new(default, error);
}
