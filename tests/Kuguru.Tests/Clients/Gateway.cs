using Kuguru.Engine;
using Kuguru.Tests.Ike;

namespace Kuguru.Tests.Clients;

/// <summary>The gateway of docs/clients.md; who comes to it comes through a NAT.</summary>
sealed class Gateway : DocumentedNode
{
    readonly Dictionary<Endpoint, ScriptedClient> _clients = [];
    int _seeds;

    /// <param name="change">Of the documented text.</param>
    public Gateway(Func<string, string>? change = null) : base(0, change) => Order(new Order.LocalAddresses([Address]));

    public static IpAddress Address { get; } = IpAddress.Parse("192.0.2.1");
    public Napt Nat { get; } = new("198.51.100.7", firstPort: 20000);

    /// <summary>No two clients have the same luck.</summary>
    public int NextSeed() => ++_seeds;

    /// <summary>Where a client comes from, as the gateway sees it.</summary>
    public Endpoint Meet(ScriptedClient client, Endpoint inside)
    {
        var outside = Nat.Out(inside);
        _clients[outside] = client;
        return outside;
    }

    public void Receive(Endpoint from, ushort port, Blob bytes) => Receive(new Path(new(Address, port), from), bytes);

    protected override void Send(Path path, Blob bytes)
    {
        if (_clients.TryGetValue(path.Remote, out var client))
            client.Receive(bytes);
    }
}
