namespace DChat.Core.Registry;

internal sealed partial class RegistryDraft
{
    /// <inheritdoc cref="RegistryMachine.Restore"/>
    public void Restore(RegistryRestoration restoration)
    {
        _record = new RegistryRecord("", "", restoration.At, [], Outcome.Done);
        RaiseEpoch(restoration.Epoch);
        _store = restoration.Store;
        _keys = [];
        _endedSessions = default; // No token is left to which they could apply.
        for (var handle = 0; handle < _rooms.Count; handle++)
        {
            if (_rooms[handle] is { AssignedTo.Length: > 0 } room)
            {
                SetRoom(room with { AssignedTo = "" });
            }
        }

        _workers = _workers.Clear();
        for (var handle = 0; handle < _accounts.Count; handle++)
        {
            SetAccount(_accounts[handle] with { TokensValidFrom = _index, ExemptSession = null });
        }

        Apply(new Audited("restore", "", "", restoration.Text));
    }
}
