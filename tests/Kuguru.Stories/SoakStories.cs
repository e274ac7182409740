using System.Collections.Concurrent;
using System.Globalization;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>
/// A month in the life of a thousand tunnels: 5 % loss, NATs that reboot and are renumbered, clients that move, new keys out of the blue, either end
/// that loses its power. <c>KUGURU_SOAK_TUNNELS</c> and <c>KUGURU_SOAK_DAYS</c> make it larger or smaller, <c>KUGURU_SOAK_SEED</c> another one.
/// </summary>
public sealed class SoakStories
{
    const int TunnelsPerGateway = 50, Homes = 12;

    static readonly int s_tunnels = Number("KUGURU_SOAK_TUNNELS", 1000), s_days = Number("KUGURU_SOAK_DAYS", 30), s_seed = Number("KUGURU_SOAK_SEED", 1);

    [Fact]
    public void After_a_month_of_loss_reboots_moves_and_restarts_every_tunnel_is_up_and_nothing_is_left_over()
    {
        var failures = new ConcurrentQueue<string>();
        var gateways = Math.Max(1, s_tunnels / TunnelsPerGateway);
        Parallel.For(0, gateways, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, (i, state) =>
        {
            var seed = (ulong)(s_seed * 100_000 + i);
            if (new Month(seed, Math.Min(s_tunnels, TunnelsPerGateway), s_rare).Pass(TimeSpan.FromDays(s_days)) is not { } why)
                return;
            failures.Enqueue($"seed {seed}: {why}");
            state.Stop();
        });
        Assert.True(failures.IsEmpty, string.Join("\n", failures));
    }

    [Fact]
    public void And_after_some_days_while_keepalives_are_learned_whatever_happens()
    {
        for (var seed = 1; seed <= 2; seed++)
            Assert.Null(new Month((ulong)seed, tunnels: 13, s_open with { ProbePort = 40404 }).Pass(TimeSpan.FromDays(3)));
    }

    /// <summary>Nobody is kept waiting who shares an address with many; a month is told with few keepalives.</summary>
    static readonly IkeSettings s_open = new() { BlockThreshold = 0, CookieThreshold = 0, CookieThresholdPerAddress = 0 };
    static readonly IkeSettings s_rare = s_open with { KeepAlive = Nat.KeepAlivePolicy.Every(TimeSpan.FromMinutes(40)) };

    static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) && number > 0 ? number : otherwise;

    /// <summary>One gateway and its clients.</summary>
    sealed class Month
    {
        readonly Scene _scene;
        readonly IkeSettings _settings;
        readonly List<Site> _homes = [];
        readonly Peer[] _clients;
        readonly Site[] _at;
        bool _isCalm;

        public Month(ulong seed, int tunnels, IkeSettings settings)
        {
            _settings = settings;
            _scene = new Scene(Sites.Public, new() { Seed = seed, Client = Persistent, Gateway = Patient, ClientSettings = settings, GatewaySettings = settings });
            World.Transcript.Limit = 100;
            World.Internet.Link = new() { Latency = TimeSpan.FromMilliseconds(30), Jitter = TimeSpan.FromMilliseconds(20), Loss = 0.05, Reordering = 0.01, Duplication = 0.01 };
            for (var i = 0; i < Homes; i++)
                _homes.Add(Sites.With(new() { Ports = PortAssignment.Random, MappingTimeout = TimeSpan.FromMinutes(60) })(World.Internet, $"home {i}"));
            _homes.Add(Sites.Public(World.Internet, "internet"));
            _clients = new Peer[tunnels];
            _at = new Site[tunnels];
            for (var i = 0; i < tunnels; i++)
            {
                _at[i] = _homes[i % _homes.Count];
                _clients[i] = New(i, _at[i].Lan.NextAddress());
            }
        }

        World World => _scene.World;

        /// <summary>Null if all went well, else what did not.</summary>
        public string? Pass(TimeSpan time)
        {
            foreach (var home in _homes.SkipLast(1))
            {
                Often(TimeSpan.FromDays(3), home.Nat.Reboot);
                Often(TimeSpan.FromDays(7), home.Nat.Renumber);
            }
            for (var i = 0; i < _clients.Length; i++)
            {
                var index = i;
                Often(TimeSpan.FromDays(6), () => Move(index));
                Often(TimeSpan.FromDays(10), () => Restart(index));
                Often(TimeSpan.FromDays(2), () => _clients[index].Rekey(World.Dice.Chance(0.5) ? new(Child: Scene.ChildName) : new(Ike: Scene.ConnectionName)));
                Often(TimeSpan.FromHours(6), () => _clients[index].Ping(_scene.Server.Address));
            }
            Often(TimeSpan.FromDays(5), RestartGateway);
            Often(TimeSpan.FromHours(3), RekeyAtGateway);
            World.RunFor(time - Calm);
            _isCalm = true;
            World.Internet.Link = World.Internet.Link with { Loss = 0, Reordering = 0, Duplication = 0 };
            World.RunFor(Calm);
            return Disagreement() ?? Leftovers();
        }

        /// <summary>At the end, for the last one to notice and to come back.</summary>
        static TimeSpan Calm => TimeSpan.FromHours(10);

        /// <summary>At random, on the average so often, until it is calm.</summary>
        void Often(TimeSpan average, Action happens)
        {
            var wait = average * -Math.Log(1 - World.Dice.Fraction());
            World.After(wait < TimeSpan.FromDays(400) ? wait : TimeSpan.FromDays(400), () =>
            {
                if (_isCalm)
                    return;
                happens();
                Often(average, happens);
            });
        }

        Peer New(int index, IpAddress address)
        {
            var client = new Peer(World, $"client {index}", _at[index].Lan, _settings, address) { EventLimit = 20 };
            _scene.Equip(client, $"client-{index}@kuguru.example");
            return client;
        }

        void Move(int index)
        {
            _at[index] = _homes[World.Dice.Below(_homes.Count)];
            _clients[index].Roam(_at[index].Lan);
        }

        void Restart(int index)
        {
            var address = _clients[index].Address;
            _clients[index].PowerOff();
            _clients[index] = New(index, address);
        }

        void RestartGateway()
        {
            _scene.RestartGateway();
            _scene.Gateway.EventLimit = 100;
        }

        void RekeyAtGateway()
        {
            var sas = _scene.Gateway.Status().ToList();
            if (sas.Count == 0)
                return;
            var sa = sas[World.Dice.Below(sas.Count)];
            _scene.Gateway.Rekey(World.Dice.Chance(0.5) ? new(IkeId: sa.UniqueId) : new(IkeId: sa.UniqueId, Child: Scene.ChildName));
        }

        /// <summary>Every tunnel is up, and both ends have the same SAs and keys.</summary>
        string? Disagreement()
        {
            string? why = null;
            // At a single moment new keys may be half way.
            for (var look = 0; look < 20; look++)
            {
                why = Ends.Disagreement(_clients, _scene.Gateway) ?? OutOfPlace();
                if (why is null)
                    return Unreachable();
                World.RunFor(TimeSpan.FromSeconds(5));
            }
            return $"{why}\n{World.Transcript.Full(40)}";
        }

        string? OutOfPlace()
        {
            foreach (var client in _clients)
            {
                if (client.Status().Count() != 1 || client.Children.Count != 1 || client.VirtualAddresses.Count != 1)
                    return $"{client} has {client.Status().Count()} IKE SAs, {client.Children.Count} children, {client.VirtualAddresses.Count} addresses: {string.Join("; ", client.Events.TakeLast(6).Select(e => $"{e.At} {e.Event}"))}";
            }
            var (gateway, all) = (_scene.Gateway, _clients.Length);
            var census = gateway.Node.Census;
            var online = gateway.Node.Pools.Status().Sum(pool => pool.Online);
            return census.IkeSas == all && census.EspSpis == all && census.ReqIds == all && census is { Searches: 0, Orders: 0 } && gateway.SaTable.Count == all && online == all
                ? null : $"the gateway has {census}, {gateway.SaTable.Count} pairs of SAs and {online} leases for {all} clients";
        }

        string? Unreachable() => _clients.FirstOrDefault(client => !_scene.PingsBothWays(client)) is { } client ? $"{client} does not reach the server" : null;

        /// <summary>When all is closed, nothing is held any more, and no timer runs.</summary>
        string? Leftovers()
        {
            foreach (var client in _clients)
                client.Down();
            World.RunFor(TimeSpan.FromMinutes(1));
            foreach (var peer in _clients.Append(_scene.Gateway))
            {
                if (peer.Node.Census != default(NodeCensus) || peer.SaTable.Count != 0 || peer.Node.Deadline is not null || peer.VirtualAddresses.Count != 0)
                    return $"{peer} still has {peer.Node.Census}, {peer.SaTable.Count} pairs of SAs, {peer.VirtualAddresses.Count} addresses, deadline {peer.Node.Deadline}";
            }
            var online = _scene.Gateway.Node.Pools.Status().Sum(pool => pool.Online);
            return online == 0 ? null : $"{online} addresses are still leased";
        }

        static Connection Persistent(Connection c) => c with
        {
            KeyingTries = 0,
            DpdDelay = TimeSpan.FromHours(3),
            RekeyTime = TimeSpan.FromDays(1),
            ReauthTime = TimeSpan.FromDays(9),
            Children =
            [
                c.Children[0] with
                {
                    RekeyTime = TimeSpan.FromHours(8),
                    StartAction = StartAction.Start,
                    DpdAction = CloseAction.Start,
                    CloseAction = CloseAction.Start,
                    Proposals = Esn,
                },
            ],
        };

        static Connection Patient(Connection c) => c with
        {
            DpdDelay = TimeSpan.FromHours(4),
            RekeyTime = TimeSpan.FromDays(1),
            Children = [c.Children[0] with { RekeyTime = TimeSpan.FromHours(8), Proposals = Esn }],
        };

        static System.Collections.Immutable.ImmutableArray<Crypto.AlgorithmSet> Esn =>
            Crypto.AlgorithmSet.TryParse("aes128gcm16-esn", Crypto.ProposalKind.Esp, out var sets, out _) ? sets : throw new FormatException("esn");
    }
}
