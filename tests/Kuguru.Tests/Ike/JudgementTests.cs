using System.Collections.Immutable;
using Kuguru.Ike;
using Kuguru.Ike.V2;
using Xunit;

namespace Kuguru.Tests.Ike;

public class JudgementTests
{
    [Fact]
    public void Retransmissions_back_off_as_strongSwan_does_and_end_after_165_seconds()
    {
        var settings = new IkeSettings();
        var waits = Enumerable.Range(0, 7).Select(resent => Retransmission.Wait(settings, resent, 0.5)?.TotalSeconds).ToArray();
        double?[] expected = [4, 7.2, 12.96, 23.328, 41.9904, 75.58272, null];
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i] ?? -1, waits[i] ?? -1, 0.001);
        Assert.Equal(165, waits.Sum() ?? 0, 1.0);
    }

    [Theory]
    [InlineData(3, 0, 0, 23.328)]
    [InlineData(3, 10, 0, 10)]
    [InlineData(3, 10, 50, 5)]
    [InlineData(0, 10, 0, 4)]
    [InlineData(0, 0, 100, 0)]
    public void The_limit_caps_a_wait_and_jitter_shortens_it(int resent, int limit, int jitter, double expected)
    {
        var settings = new IkeSettings { RetransmitLimit = TimeSpan.FromSeconds(limit), RetransmitJitter = jitter };
        Assert.Equal(expected, Retransmission.Wait(settings, resent, chance: 1)!.Value.TotalSeconds, 0.001);
    }

    [Fact]
    public void A_wait_never_overflows()
    {
        var settings = new IkeSettings { RetransmitTries = 10_000, RetransmitBase = 10 };
        Assert.Equal(TimeSpan.FromDays(1), Retransmission.Wait(settings, 9_999, 0));
    }

    [Fact]
    public void Without_tries_the_first_silence_is_final()
    {
        var settings = new IkeSettings { RetransmitTries = 0 };
        Assert.NotNull(Retransmission.Wait(settings, 0, 0));
        Assert.Null(Retransmission.Wait(settings, 1, 0));
    }

    public static TheoryData<int, int?, int?, double, int?, int?> ChildLives() => new()
    {
        // rekey_time, life_time, rand_time (null: not configured), chance -> rekey, end
        { 3600, null, null, 0, 3600, 3960 },
        { 3600, null, null, 1, 3240, 3960 },
        { 3600, 4000, null, 1, 3200, 4000 },
        { 3600, null, 0, 1, 3600, 3960 },
        { 3600, null, 7200, 1, 1800, 3960 },
        { 0, null, null, 1, null, null },
        { 0, 600, null, 1, null, 600 },
        { 3600, 0, null, 0.5, 3600, null },
    };

    [Theory]
    [MemberData(nameof(ChildLives))]
    public void A_child_is_rekeyed_before_its_end(int rekey, int? life, int? random, double chance, int? rekeyAfter, int? endsAfter)
    {
        var child = Configs.Child("net", "10.1.0.0/16", "10.2.0.0/16") with
        {
            RekeyTime = TimeSpan.FromSeconds(rekey),
            LifeTime = life is { } l ? TimeSpan.FromSeconds(l) : null,
            RandTime = random is { } r ? TimeSpan.FromSeconds(r) : null,
        };
        var (soft, end) = Lifetime.Of(child, chance);
        Assert.Equal((rekeyAfter, endsAfter), ((int?)soft?.TotalSeconds, (int?)end?.TotalSeconds));
    }

    public static TheoryData<int, int, int?, double, int?, int?, int?> IkeLives() => new()
    {
        // rekey_time, reauth_time, over_time, chance -> rekey, reauth, end
        { 14400, 0, null, 0, 14400, null, 15840 },
        { 14400, 0, null, 1, 12960, null, 14400 },
        { 14400, 10800, null, 0, 14400, 10800, 12240 },
        { 0, 10800, null, 0, null, 10800, 11880 },
        { 14400, 0, 60, 1, 14340, null, 14400 },
        { 0, 0, null, 1, null, null, null },
    };

    [Theory]
    [MemberData(nameof(IkeLives))]
    public void An_IKE_SA_ends_over_time_after_what_should_have_come_first(int rekey, int reauth, int? over, double chance, int? rekeyAfter, int? reauthAfter, int? endsAfter)
    {
        var connection = Configs.Connection("a", "b") with
        {
            RekeyTime = TimeSpan.FromSeconds(rekey),
            ReauthTime = TimeSpan.FromSeconds(reauth),
            OverTime = over is { } o ? TimeSpan.FromSeconds(o) : null,
        };
        var (soft, again, end) = Lifetime.Of(connection, chance);
        Assert.Equal((rekeyAfter, reauthAfter, endsAfter), ((int?)soft?.TotalSeconds, (int?)again?.TotalSeconds, (int?)end?.TotalSeconds));
    }

    public static TheoryData<string, string, string> Narrowed() => new()
    {
        // configured, offered -> common
        { "10.1.0.0/16", "10.1.0.0/16", "10.1.0.0/16" },
        { "10.1.0.0/16", "0.0.0.0/0", "10.1.0.0/16" },
        { "0.0.0.0/0", "10.1.0.0/16", "10.1.0.0/16" },
        { "10.1.0.0/16", "10.2.0.0/16", "" },
        { "10.1.0.0/16", "::/0", "" },
        { "10.1.0.0/16 10.3.0.0/16", "10.3.0.0/24 10.1.0.0/24", "10.1.0.0/24 10.3.0.0/24" },
        { "10.0.0.0/8", "10.1.0.5/32 10.1.0.0/16", "10.1.0.0/16" },
        { "0.0.0.0/0", "10.1.0.0/16 10.1.0.0/16", "10.1.0.0/16" },
        { "0.0.0.0/0 ::/0", "0.0.0.0/0 ::/0", "0.0.0.0/0 ::/0" },
        { "10.1.0.0/24 10.1.0.0/16", "10.1.0.0/16", "10.1.0.0/16" },
    };

    [Theory]
    [MemberData(nameof(Narrowed))]
    public void Narrowing_gives_what_both_have_in_the_configured_order(string configured, string offered, string common) =>
        Assert.Equal(common, string.Join(' ', Narrowing.Narrow(Fixed(configured), Fixed(offered))));

    [Fact]
    public void Protocols_and_ports_are_narrowed_too()
    {
        var any = Fixed("10.1.0.0/16")[0];
        Assert.Equal("10.1.0.0/16[tcp/80]", Narrow(any with { Protocol = 6 }, any with { Protocol = 6, FirstPort = 80, LastPort = 80 }));
        Assert.Equal("10.1.0.0/16[udp]", Narrow(any, any with { Protocol = 17 }));
        Assert.Equal("", Narrow(any with { Protocol = 6 }, any with { Protocol = 17 }));
        Assert.Equal("10.1.0.0/16[tcp/100-200]", Narrow(any with { Protocol = 6, FirstPort = 100 }, any with { Protocol = 6, LastPort = 200 }));
    }

    [Theory]
    [InlineData("dynamic", "192.0.2.1", "192.0.2.1/32")]
    [InlineData("dynamic", "10.3.0.1 2001:db8::1", "10.3.0.1/32 2001:db8::1/128")]
    [InlineData("dynamic", "0.0.0.0 ::", "0.0.0.0/0 ::/0")]
    [InlineData("10.1.0.0/16 dynamic", "192.0.2.1", "10.1.0.0/16 192.0.2.1/32")]
    [InlineData("10.1.0.0/16 dynamic", "10.1.0.5", "10.1.0.0/16")]
    public void Dynamic_is_every_address_of_an_end(string templates, string addresses, string selectors) =>
        Assert.Equal(selectors, string.Join(' ', Narrowing.Resolve(Configs.Selectors(templates), [.. addresses.Split(' ').Select(IpAddress.Parse)])));

    [Theory]
    [InlineData("", "10.1.0.0/16", 0)]
    [InlineData("10.1.0.0/24", "10.1.0.0/16", 1)]
    [InlineData("10.1.0.0/16", "10.1.0.0/16", 2)]
    [InlineData("10.1.0.0/16", "10.1.0.0/16 10.2.0.0/16", 1)]
    [InlineData("10.1.0.0/16", "10.1.0.5/32 10.1.0.0/16", 2)]
    public void A_child_that_need_not_be_narrowed_fits_better(string narrowed, string offered, int fit) =>
        Assert.Equal(fit, Narrowing.Fit(Fixed(narrowed), Fixed(offered)));

    [Theory]
    [InlineData("05", "06", "01", "02", true)]
    [InlineData("05", "00", "01", "02", false)]
    [InlineData("02", "03", "01", "ff", true)]
    [InlineData("01", "ff", "02", "03", false)]
    [InlineData("0102", "02", "01", "02", true)]
    [InlineData("01", "02", "0102", "02", false)]
    public void The_SA_with_the_lowest_of_four_nonces_is_redundant(string ourI, string ourR, string theirI, string theirR, bool oursStands)
    {
        var (ours, theirs) = (new Nonces(Blob.FromHex(ourI), Blob.FromHex(ourR)), new Nonces(Blob.FromHex(theirI), Blob.FromHex(theirR)));
        Assert.Equal(oursStands, Collision.OursStands(ours, theirs.Lowest));
        Assert.Equal(!oursStands, Collision.OursStands(theirs, ours.Lowest));
    }

    static string Narrow(Selector configured, Selector offered) => string.Join(' ', Narrowing.Narrow([configured], [offered]));
    static ImmutableArray<Selector> Fixed(string text) => text.Length == 0 ? [] : Narrowing.Resolve(Configs.Selectors(text), [IpAddress.AnyV4]);
}
