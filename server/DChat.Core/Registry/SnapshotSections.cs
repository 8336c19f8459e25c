using DChat.Core.Registry.Collections;

namespace DChat.Core.Registry;

/// <summary>The sections of a snapshot, as they are written. <see cref="SnapshotLoader"/> reads them in the same order.</summary>
internal sealed class SnapshotSections(RegistryState state, SnapshotWriter writer)
{
    public void Write()
    {
        WriteNames();
        WriteRooms();
        WriteAccounts();
        WriteSessions();
        WriteInvitations();
        WriteWorkers();
        writer.Text(state.Store);
        WriteKeys();
        WriteAudit();
        WriteOutcomes();
    }

    private void WriteNames()
    {
        writer.Number(state.Accounts.Count);
        foreach (var account in state.Accounts.Items())
        {
            writer.Text(account.Name);
            writer.Number(account.RoomCount);
        }
    }

    private void WriteRooms()
    {
        writer.Number(state.RoomCount);
        foreach (var room in state.RoomsByHandle.Items())
        {
            if (room is null)
            {
                continue;
            }

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
            WriteMembers(room);
            WriteBarred(room);
        }
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

    private void WriteMembers(Room room)
    {
        writer.Number(room.NextJoin);
        writer.Number(room.MemberCount);
        uint join = 0;
        long joinedAt = 0;
        for (var run = 0; run < room.Members.RunCount; run++)
        {
            foreach (ref readonly var member in room.Members.Run(run))
            {
                state.Accounts[member.Account].Rooms.TryGet((uint)room.Handle, out var entry);
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

    private void WriteAccounts()
    {
        foreach (var account in state.Accounts.Items())
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
    }

    private void WriteSessions()
    {
        writer.Number(state.EndedSessions.Count);
        foreach (var (session, ended) in state.EndedSessions.Entries().OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            writer.Text(session);
            writer.Number(ended.Account);
            writer.Number(ended.Until);
        }
    }

    private void WriteInvitations()
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

    private void WriteWorkers()
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

    private void WriteKeys()
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

    private void WriteAudit()
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

    private void WriteOutcomes()
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
    private void WriteUser(string user) => writer.Number(user.Length == 0 ? 0 : state.FindAccountHandle(user)!.Value + 1);
}
