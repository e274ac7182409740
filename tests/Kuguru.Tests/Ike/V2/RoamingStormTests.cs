using Kuguru.Ike;
using Kuguru.Ike.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>One end's addresses come and go as they like while both rekey: when it has one, both ends meet there, and their children with them.</summary>
public class RoamingStormTests
{
    const int Seeds = 300;

    static readonly IpAddress[] s_moons = [IpAddress.Parse("192.0.2.1"), IpAddress.Parse("192.0.2.77"), IpAddress.Parse("203.0.113.7")];
    static readonly IpAddress[] s_suns = [IpAddress.Parse("192.0.2.2"), IpAddress.Parse("198.51.100.2")];

    /// <param name="moonRoams">The initiator, or the responder.</param>
    /// <param name="loss">Of datagrams, one in so many; 0 is none.</param>
    /// <param name="patience">Seconds after the last change: three retransmissions, or all of them.</param>
    [Theory]
    [InlineData(true, 0, 30)]
    [InlineData(true, 10, 200)]
    [InlineData(false, 0, 30)]
    [InlineData(false, 10, 200)]
    public void Both_ends_meet_where_the_one_that_roams_is_in_the_end(bool moonRoams, int loss, int patience)
    {
        for (var seed = 0; seed < Seeds; seed++)
            new Storm(seed, moonRoams, loss).Pass(patience);
    }

    sealed class Storm
    {
        readonly int _seed, _loss;
        readonly Random _random;
        readonly Pair _pair;
        readonly Host _roamer;
        readonly IpAddress[] _addresses;

        public Storm(int seed, bool moonRoams, int loss)
        {
            (_seed, _loss, _random) = (seed, loss, new Random(seed));
            _pair = Pair.Both(c => c with { Mobike = true });
            _pair.Sun.LocalAddresses = [.. s_suns];
            (_roamer, _addresses) = moonRoams ? (_pair.Moon, s_moons) : (_pair.Sun, s_suns);
            _pair.Moon.Settings = _pair.Moon.Settings with { PreferBestPath = _random.Next(3) == 0 };
            _pair.Up();
            _pair.World.Loses = Deliver;
        }

        public void Pass(int patience)
        {
            for (var change = _random.Next(2, 9); change > 0; change--)
            {
                Change(mayBeNone: change > 1);
                if (change > 1)
                    _pair.World.Run(_random.NextDouble() * (_random.Next(2) == 0 ? 0.3 : 5));
            }
            _pair.World.Run(patience);
            Assert.True(_pair.Moon.Sessions.Count == 1 && _pair.Sun.Sessions.Count == 1,
                $"seed {_seed}: {string.Join(", ", _pair.Moon.Failures.Concat(_pair.Sun.Failures))}\n{_pair.World.Transcript}");
            var (moon, sun) = (_pair.Moon.Session, _pair.Sun.Session);
            var told = $"seed {_seed}: moon {Tell(_pair.Moon)}, sun {Tell(_pair.Sun)}\n{_pair.World.Transcript}";
            Assert.True(moon.Path.Local == sun.Path.Remote && moon.Path.Remote == sun.Path.Local, told);
            Assert.True(_roamer.LocalAddresses.Contains(_roamer.Session.Path.Local.Address), told);
            foreach (var (host, session) in ((Host, IkeV2Session)[])[(_pair.Moon, moon), (_pair.Sun, sun)])
            {
                Assert.True(session.Mobility is { Tried.IsEmpty: true, OwesUpdate: false, IsStranded: false, Left: null }, told);
                Assert.NotEmpty(host.Installed);
                Assert.True(host.Installed.Values.All(child => child.Path == session.Path), told);
            }
        }

        static string Tell(Host host)
        {
            var (sa, m) = (host.Session, host.Session.Mobility);
            return $"has {string.Join(' ', host.LocalAddresses)}, is at {sa.Path}, children at {string.Join(' ', host.Installed.Values.Select(child => child.Path))}, "
                + $"tries {string.Join(' ', m.Tried)}, has left {m.Left}{(m.OwesUpdate ? ", owes an update" : "")}{(m.IsStranded ? ", is stranded" : "")}";
        }

        /// <summary>The one that roams has other addresses now, and hears of it; what is under way to those before still arrives.</summary>
        void Change(bool mayBeNone)
        {
            var now = _addresses.Where(_ => _random.Next(2) == 0).ToList();
            if (now.Count == 0 && !mayBeNone)
                now.Add(_addresses[_random.Next(_addresses.Length)]);
            _roamer.LocalAddresses = [.. now];
            if (_random.Next(3) == 0)
                Rekey(_random.Next(2) == 0 ? _pair.Moon : _pair.Sun);
            var before = _roamer.Effects.Count;
            _roamer.Order((session, outbox) => session.NetworkChanged(_pair.World.Now, false, outbox));
            if (_roamer.Effects.Skip(before).OfType<Effect.FindPaths>().LastOrDefault() is not { } question)
                return;
            var ways = now.Count == 0 ? [] : question.Remotes.Select(remote => new Path(new(now[0], 0), new(remote, 0)));
            _roamer.Order((session, outbox) => session.PathsFound(_pair.World.Now, new(now.Contains(question.Current.Local.Address), [.. ways]), outbox));
        }

        void Rekey(Host host)
        {
            var child = host.Session.Status(_pair.World.Now).Children[0].UniqueId;
            host.Order((session, outbox) => session.RekeyChild(_pair.World.Now, child, 0, outbox));
        }

        /// <summary>By any address that its receiver has; the world itself knows one for each.</summary>
        bool Deliver(Path path, Blob bytes)
        {
            var fromMoon = s_moons.Contains(path.Local.Address);
            var (from, to) = fromMoon ? (_pair.Moon, _pair.Sun) : (_pair.Sun, _pair.Moon);
            if (from.LocalAddresses.Contains(path.Local.Address) && to.LocalAddresses.Contains(path.Remote.Address) && (_loss == 0 || _random.Next(_loss) > 0))
                _pair.World.Inject(new Path(path.Remote, path.Local), bytes, to);
            return true;
        }
    }
}
