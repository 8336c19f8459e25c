namespace DChat.Terminal.Ui;

/// <summary>What was chosen happens.</summary>
internal static class Choices
{
    public static Step Apply(Model model, Choice choice)
    {
        var chat = model.Chat;
        return choice switch
        {
            Choice.Go(var room) => RoomMoves.Open(Closed(model), room),
            Choice.Jump(var room, var seq) => RoomMoves.Jump(Closed(model), room, seq),
            Choice.Join(var room, var title, var hasPassword) => hasPassword
                ? model.Push(Forms.Password(room, title, wasWrong: false))
                : Waiting(model).Step().And(new Effect.Join(room, title, null)),
            Choice.Direct(var user) => Waiting(model).Step().And(new Effect.OpenDirect(user)),
            Choice.Run(var act) => ChatKeys.Global(Closed(model), act) ?? model,
            Choice.Type(var text) => ChatKeys.Write(Closed(model), Editor.Of(text)),
            Choice.Member(var user) => Menus.Member(model, user),
            Choice.Ask(var form, var subject) => Ask(model, form, subject),
            Choice.Moderate(var what, var user, var minutes) => chat.Open is { } room
                ? Waiting(model).Step().And(new Effect.Moderate(room, what, user, null, minutes))
                : model,
            Choice.Message(var act, var seq) => MessageKeys.Do(model.Pop(), act, seq),
            Choice.React(var seq, var emoji) => React(model, seq, emoji),
            Choice.Notices => Menus.Notices(model),
            Choice.SetNotices(var room, var level) => ChatKeys.Keep(Closed(model), chat.Memory with
            {
                Notices = level == NoticeLevel.Mentions ? chat.Memory.Notices.Remove(room) : chat.Memory.Notices.SetItem(room, level),
            }),
            Choice.SetWay(var room, _) when !chat.Rooms.ContainsKey(room) => Closed(model), // It is gone since the list was opened.
            Choice.SetWay(var room, var way) => ChatKeys.Keep(Closed(model), chat.Memory with
            {
                Ways = way is { } set ? chat.Memory.Ways.SetItem(room, set) : chat.Memory.Ways.Remove(room),
            }).Say($"Notices of {chat.Rooms[room].Address} come {Menus.WayText(way ?? model.Settings.Notify)}."),
            Choice.Bans => Menus.Bans(model),
            Choice.Sure(var question) => model.Push(question),
            Choice.Do(var effect) => Closed(model).Step().And(effect),
            Choice.Insert(var text) => ChatKeys.Insert(Closed(model), text),
            Choice.SendAsFile(var text) => chat.Open is { } open ? Closed(model).Step().And(new Effect.UploadText(open, "paste.txt", text)) : model,
            Choice.DeleteMessage(var room, var seq) => ChatKeys.Restore(MessageKeys.Choose(Closed(model), null).Model).Step().And(new Effect.Delete(room, seq)),
            _ => model,
        };
    }

    private static Step Ask(Model model, FormKind form, string subject)
    {
        if (model.Chat.Room is not { } room)
        {
            return model;
        }

        var parts = subject.Split(' ', 2);
        return model.Push(form switch
        {
            FormKind.Invite => Forms.Invite(room.Id),
            FormKind.Topic => Forms.Topic(room),
            FormKind.Settings => Forms.Settings(room),
            FormKind.Reason => Forms.Reason(parts[0], parts[1]),
            _ => Forms.Upload(""),
        });
    }

    private static Step React(Model model, long seq, string emoji)
    {
        var closed = MessageKeys.Choose(Closed(model), null).Model;
        return closed.Chat.Room?.Find(seq) is { } message
            ? closed.Step().And(new Effect.React(closed.Chat.Open!, seq, emoji, message.Mine?.Contains(emoji) != true))
            : closed;
    }

    private static Model Closed(Model model) => model with { Dialogs = [] };

    /// <summary>The dialog stays until the server answers, and says so.</summary>
    private static Model Waiting(Model model) => model.Dialog is { } dialog ? model.With(dialog with { Busy = true, Problem = null }) : model;
}
