using DChat.Benchmarks.Yardsticks;

return args switch
{
    ["bare-hub", "--port", var port] => await BareHubServer.RunAsync(int.Parse(port), CancellationToken.None),
    _ => 2,
};
