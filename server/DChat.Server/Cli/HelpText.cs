using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using DChat.Server.Observability;

namespace DChat.Server.Cli;

/// <summary>What <c>--help</c> prints: examples first, then every setting by group, with its default and environment variable.</summary>
internal sealed class HelpText : SynchronousCommandLineAction
{
    private const string Intro =
        """
        dchat-server: self-hosted team chat that loses no acknowledged message.

        Usage
          dchat-server [FLAGS]              start the server
          dchat-server config check         say whether it would start
          dchat-server config show          print every setting, its value and where it came from
          dchat-server version              print the version
          dchat-server backup --to URL      all of a cluster in one sealed backup, running or not (with --peers: its coordinator runs)
          dchat-server backup verify URL    read the newest backup through
          dchat-server restore --from URL   begin a new cluster with a backup, or the snapshots, of one that was

        For administrators, over any worker (--server URL, --user NAME, --password-file FILE or DCHAT_ADMIN_PASSWORD, --json)
          dchat-server status [--watch]     the cluster at a glance: leader, workers, load, rooms, lag
          dchat-server worker list|approve|drain|remove
          dchat-server drain WORKER         as worker drain: its rooms away, then its clients, then it stops
          dchat-server member list|replace  the etcd members that the coordinators run
          dchat-server room list|show|move|delete|export
          dchat-server user list|add|passwd|grant|revoke|disable|enable
          dchat-server invite               print a code with which somebody may register
          dchat-server audit                who moderated and administered what
          dchat-server VERB --help          what one of them takes

        Examples
          dchat-server                                      everything in one process on http://127.0.0.1:8080,
                                                            its data in ./dchat-data
          dchat-server --host '*' --data /var/lib/dchat     for other machines too
          dchat-server --store postgres://chat@db/chat      messages in PostgreSQL; the password in PGPASSWORD
          dchat-server --registration invite                only who is invited may register
          dchat-server --config dchat.json                  { "port": 9000, "limits": { "sendBurst": 50 } }
          DCHAT__LIMITS__SENDBURST=50 dchat-server          the same by environment
          dchat-server --mode coordinator --node c1 --peers c1=10.0.0.1,c2=10.0.0.2,c3=10.0.0.3 \
              --node-host 10.0.0.1 --node-port 9000 --cluster-secret-file F --blobs s3://bucket
                                                            one of three coordinators; each runs its own etcd

        Flags beat environment variables beat the --config file. An unknown name or a bad value stops the start
        with exit code 2. SIGTERM and Ctrl-C finish what is in flight and exit with 0.
        """;

    public override int Invoke(ParseResult parseResult)
    {
        if (parseResult.CommandResult.Command is not RootCommand)
        {
            return new HelpAction().Invoke(parseResult); // Of a verb: its own arguments and flags.
        }

        var output = parseResult.InvocationConfiguration.Output;
        output.WriteLine(Intro);
        output.WriteLine();
        output.WriteLine("Configuration");
        Write(output, $"{Settings.ConfigFlag} FILE.json", "a file of settings; keys as `config show` prints them", Settings.ConfigVariable, "");

        var defaults = new ServerOptions();
        foreach (var group in Settings.All.GroupBy(setting => setting.Group))
        {
            output.WriteLine();
            output.WriteLine(group.Key);
            foreach (var setting in group)
            {
                var flag = setting.Secret ? "(no flag)" : $"{setting.Flag} {setting.Placeholder}";
                Write(output, flag, setting.About, setting.Variable, setting.Show(defaults));
            }
        }

        output.WriteLine();
        output.WriteLine("By environment only");
        Write(output, "(no flag)", "the password of the account admin, which the first start makes; a random one unless given", Settings.AdminPasswordVariable, "");
        Write(output, "(no flag)", "send metrics and logs to this OpenTelemetry collector; the other OTEL_ variables are heeded too", Telemetry.EndpointVariable, "");
        return CommandLine.Success;
    }

    private static void Write(TextWriter output, string flag, string about, string variable, string value)
    {
        output.WriteLine($"  {flag,-43} {variable}");
        output.WriteLine($"      {about}{(value.Length > 0 ? $" [{value}]" : "")}");
    }
}
