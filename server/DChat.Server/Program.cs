using DChat.Server;
using DChat.Server.Cli;
using DChat.Server.EtcdMembers;

return MemberLauncher.IsAsked(args) ? MemberLauncher.Run(args) : await CommandLine.RunAsync(args, ServerApp.RunAsync);
