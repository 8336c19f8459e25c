using DChat.Core.Registry.Collections;

namespace DChat.Core.Registry;

/// <summary>The pieces of a snapshot, as they are written. <see cref="SnapshotParts"/> reads them in the same order.</summary>
/// <param name="users">Knows every account by its name.</param>
internal sealed class SnapshotSections(SnapshotWriter writer, RegistryState users)
{
    public void WriteAll(RegistryState state)
    {
        WriteHead(state);
        writer.Number(state.Accounts.Count);
        foreach (var account in state.Accounts.Items())
        {
            WriteName(account.Name, account.RoomCount);
        }

        writer.Number(state.RoomCount);
        var memberships = new MembershipCursors(state.Accounts);
        foreach (var room in state.AllRooms())
        {
            WriteRoom(room, memberships.Next(room));
        }

        foreach (var account in state.Accounts.Items())
        {
            WriteAccount(account);
        }

        WriteRest(state);
    }

    public void WriteHead(RegistryState state)
    {
        writer.Raw(RegistrySnapshot.Magic);
        writer.Number(RegistrySnapshot.Version);
        writer.Number(state.Index);
        writer.Number(state.LastEpoch);
        writer.Number(state.NextSessionSweep);
    }

    public void WriteName(string name, int rooms)
    {
        writer.Text(name);
        writer.Number(rooms);
    }

    /// <param name="memberships">The accounts' sides of the room's memberships, in the order of its members.</param>
    public void WriteRoom(Room room, ReadOnlySpan<RoomEntry> memberships)
    {
        writer.Text(room.Id);
        writer.Text(room.Name);
        writer.Number((long)room.Kind);
        writer.Text(room.Topic);
        writer.Number((long)room.Visibility);
        writer.OptionalBytes(room.PasswordHash);
        writer.Number(room.PasswordVersion);
        writer.Number(room.SlowModeSeconds);
        writer.Number(room.RetentionDays);
        writer.Flag(room.Archived);
        writer.Number(room.CreatedAt);
        WriteUser(room.CreatedBy);
        writer.Text(room.AssignedTo);
        writer.Number(room.AssignedEpoch);
        WriteNotices(room.Notices);
        WriteMembers(room, memberships);
        WriteBarred(room);
    }

    public void WriteAccount(Account account)
    {
        writer.OptionalText(ReferenceEquals(account.DisplayName, account.Name) || account.DisplayName == account.Name ? null : account.DisplayName);
        writer.OptionalBytes(account.PasswordHash);
        writer.Flag(account.IsAdmin);
        writer.Flag(account.Disabled);
        writer.Flag(account.Closed);
        writer.Number(account.CreatedAt);
        writer.Number(account.TokensValidFrom);
        writer.OptionalText(account.ExemptSession);
        writer.Number(account.Tokens.Length);
        foreach (var token in account.Tokens)
        {
            writer.Text(token.Id);
            writer.Text(token.Name);
            writer.Text(token.SecretHash);
            writer.Number(token.CreatedAt);
        }
    }

    /// <summary>All that is neither an account nor a room, and the end.</summary>
    public void WriteRest(RegistryState state)
    {
        WriteSessions(state);
        WriteInvitations(state);
        WriteWorkers(state);
        writer.Text(state.Store);
        WriteKeys(state);
        WriteAudit(state);
        WriteOutcomes(state);
        writer.Raw(RegistrySnapshot.Magic);
        writer.Flush();
    }

    private void WriteNotices(IReadOnlyList<Notice> notices)
    {
        writer.Number(notices.Count);
        foreach (var notice in notices)
        {
            writer.Number(notice.Index);
            writer.Number(notice.Ordinal);
            writer.Number((long)notice.Kind);
            WriteUser(notice.Actor);
            WriteUser(notice.Subject);
            writer.Text(notice.Text);
            writer.Number(notice.At);
        }
    }

    private void WriteMembers(Room room, ReadOnlySpan<RoomEntry> memberships)
    {
        writer.Number(room.NextJoin);
        writer.Number(room.MemberCount);
        uint join = 0;
        long joinedAt = 0;
        var at = 0;
        for (var run = 0; run < room.Members.RunCount; run++)
        {
            foreach (ref readonly var member in room.Members.Run(run))
            {
                ref readonly var entry = ref memberships[at++];
                writer.Number(member.Account);
                writer.Number(member.Join - join);
                writer.Difference(entry.JoinedAt - joinedAt);
                writer.Number((long)entry.Role);
                (join, joinedAt) = (member.Join, entry.JoinedAt);
            }
        }
    }

    private void WriteBarred(Room room)
    {
        writer.Number(room.Bans.Count);
        foreach (var ban in room.Bans.After())
        {
            writer.Number(ban.Account);
            WriteUser(ban.By);
            writer.OptionalText(ban.Reason);
            writer.Number(ban.At);
        }

        writer.Number(room.Mutes.Count);
        foreach (var mute in room.Mutes.After())
        {
            writer.Number(mute.Account);
            writer.Number(mute.Until);
        }

        writer.Number(room.Invitations.Count);
        foreach (var invitation in room.Invitations.After())
        {
            writer.Number(invitation.Account);
            WriteUser(invitation.By);
            writer.Number(invitation.At);
        }
    }

    private void WriteSessions(RegistryState state)
    {
        writer.Number(state.EndedSessions.Count);
        foreach (var (session, ended) in state.EndedSessions.Entries().OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            writer.Text(session);
            writer.Number(ended.Account);
            writer.Number(ended.Until);
        }
    }

    private void WriteInvitations(RegistryState state)
    {
        writer.Number(state.InvitationsByHash.Count);
        foreach (var (hash, invitation) in state.InvitationsByHash.Entries().OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            writer.Text(hash);
            writer.Number(invitation.UsesLeft);
            writer.Number(invitation.ExpiresAt);
            WriteUser(invitation.CreatedBy);
            writer.Number(invitation.CreatedAt);
        }
    }

    private void WriteWorkers(RegistryState state)
    {
        writer.Number(state.WorkersById.Count);
        foreach (var worker in state.WorkersById.Values)
        {
            writer.Text(worker.Id);
            writer.Text(worker.Address);
            writer.Text(worker.Incarnation);
            writer.Number(worker.Capacity);
            writer.Number(worker.Labels.Count);
            foreach (var label in worker.Labels)
            {
                writer.Text(label);
            }

            writer.Number((long)worker.State);
            writer.Number(worker.IncarnationEpoch);
            writer.Number(worker.RegisteredAt);
        }
    }

    private void WriteKeys(RegistryState state)
    {
        writer.Number(state.Keys.Length);
        foreach (var key in state.Keys)
        {
            writer.Text(key.KeyId);
            writer.OptionalBytes(key.Sealed);
            writer.Number(key.CreatedAt);
            writer.Number(key.ActivatesAt);
            writer.Number(key.ExpiresAt);
        }
    }

    private void WriteAudit(RegistryState state)
    {
        writer.Number(state.AuditCount);
        writer.Number(state.AuditRing.Count);
        for (var number = state.AuditCount - state.AuditRing.Count + 1; number <= state.AuditCount; number++)
        {
            var line = state.AuditRing[(int)((number - 1) % RegistryBounds.AuditLines)];
            writer.Number(line.Index);
            writer.Number(line.At);
            WriteUser(line.Actor);
            writer.Text(line.Action);
            writer.Text(line.Room);
            writer.Text(line.Subject);
            writer.Text(line.Text);
        }
    }

    private void WriteOutcomes(RegistryState state)
    {
        writer.Number(state.Outcomes.YoungSince);
        WriteOutcomes(state.Outcomes.Young);
        WriteOutcomes(state.Outcomes.Old);
    }

    private void WriteOutcomes(PersistentMap<UInt128, OutcomeMemory.Kept> outcomes)
    {
        writer.Number(outcomes.Count);
        foreach (var (key, kept) in outcomes.Entries().OrderBy(entry => entry.Key))
        {
            writer.Wide(key);
            writer.Number(kept.At);
            writer.Text(kept.Result);
        }
    }

    /// <summary>A user by handle (handles follow the order of creation, which is the same on every replica); 0: the system or nobody.</summary>
    private void WriteUser(string user) => writer.Number(user.Length == 0 ? 0 : users.FindAccountHandle(user)!.Value + 1);
}
