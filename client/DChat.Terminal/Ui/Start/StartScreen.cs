using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Keys on the start screen, and what comes of them.</summary>
internal static class StartScreen
{
    public static Step Apply(Model model, UiEvent happened)
    {
        var start = model.Start!;
        return happened switch
        {
            UiEvent.ServerProbed probed when probed.Server == start.Text(StartForm.Server).Trim() =>
                model with { Start = start with { Problem = probed.Problem ?? start.Problem, Says = probed.Says, NeedsInvitation = probed.NeedsInvitation } },
            UiEvent.SignInFailed(var problem) => model with { Start = start with { Busy = false, Problem = problem } },
            UiEvent.SignedIn(var me, var server, var memory) => Incoming.SignedIn(model, me, server, memory),
            UiEvent.SignedOut(var reason, var form) => model with { Start = form with { Problem = reason } },
            _ => model,
        };
    }

    public static Step Input(Model model, InputEvent input) => input switch
    {
        KeyPressed key => Press(model, key),
        Pasted paste when !model.Start!.Busy && model.Start.Focus < model.Start.Shown.Length => model with { Start = model.Start.With(model.Start.Fields.Paste(paste.Text)) },
        MouseInput { Kind: MouseKind.Down } mouse => Click(model, mouse),
        _ => model,
    };

    private static Step Press(Model model, KeyPressed key)
    {
        var start = model.Start!;
        var act = model.Keymap.Find(key);
        if (act is Act.Quit or Act.Interrupt)
        {
            return model.Step().And(new Effect.Quit());
        }

        if (act is Act.Suspend or Act.Redraw)
        {
            return ChatKeys.Global(model, act.Value)!.Value;
        }

        if (start.Busy)
        {
            return model;
        }

        var back = key is { Key: Key.Tab, Modifiers: KeyModifiers.Shift };
        return act switch
        {
            Act.Complete or Act.Down => Move(model, start, 1),
            Act.Up => Move(model, start, -1),
            Act.Send => Enter(model, start),
            _ when back => Move(model, start, -1),
            _ when start.Focus < start.Shown.Length && start.Fields.Press(key, act) is { } typed => model with { Start = start.With(typed) },
            _ when key.Text == " " => Enter(model, start),
            _ => model,
        };
    }

    private static Step Move(Model model, StartForm start, int by) => Leave(model with { Start = start with { Focus = (start.Focus + by + start.Stops) % start.Stops } }, start);

    /// <summary>Whoever leaves the server's field is told what answers there.</summary>
    private static Step Leave(Model model, StartForm before) =>
        before.Focus == 0 && before.Text(StartForm.Server).Trim() is { Length: > 0 } server ? model.Step().And(new Effect.Probe(server)) : model;

    private static Step Enter(Model model, StartForm start)
    {
        if (start.ChosenSession is { } session)
        {
            return (model with { Start = start with { Busy = true, Problem = null } }).Step().And(new Effect.Resume(session.Server, session.User));
        }

        if (start.Focus == start.SwitchAt)
        {
            var next = start with { Register = !start.Register, Problem = null };
            return model with { Start = next with { Focus = start.Text(StartForm.User).Length == 0 ? 1 : 2 } };
        }

        return start.Focus < start.Shown.Length - 1 ? Move(model, start, 1) : Submit(model, start);
    }

    private static Step Submit(Model model, StartForm start)
    {
        var (server, user, password) = (start.Text(StartForm.Server).Trim(), start.Text(StartForm.User).Trim().TrimStart('@'), start.Text(StartForm.Password));
        var (problem, focus) = server.Length == 0 ? ("Say where the server is, such as localhost:8080.", 0)
            : user.Length == 0 ? ("Say who you are: a name of 2 to 32 letters, digits, _ . or -", 1)
            : password.Length == 0 ? ("Type the password.", 2)
            : start.Register && password.Length < ProtocolLimits.PasswordMin ? ($"A password has at least {ProtocolLimits.PasswordMin} characters.", 2)
            : start.Register && password != start.Text(StartForm.Again) ? ("The two passwords differ.", 3)
            : ((string?)null, start.Focus);
        if (problem is not null)
        {
            return model with { Start = start with { Problem = problem, Focus = focus } };
        }

        string? Given(string id) => start.Text(id).Trim() is { Length: > 0 } text ? text : null;
        var effect = new Effect.SignIn(server, user, password, start.Register, Given(StartForm.DisplayName), Given(StartForm.Invitation));
        return (model with { Start = start with { Busy = true, Problem = null } }).Step().And(effect);
    }

    private static Step Click(Model model, MouseInput mouse)
    {
        var start = model.Start!;
        var area = StartView.AreaOf(model, start);
        if (start.Busy || !area.Contains(mouse.X, mouse.Y) || StartView.StopAt(model, start, mouse.Y - area.Y) is not { } stop)
        {
            return model;
        }

        var moved = start with { Focus = stop };
        return stop < start.Shown.Length ? Leave(model with { Start = moved }, start) : Enter(model with { Start = moved }, moved);
    }
}
