using DChat.Server;
using DChat.Server.Cli;

return await CommandLine.RunAsync(args, ServerApp.RunAsync);
