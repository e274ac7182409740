using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Ike;

public class KeyTrialsTests
{
    static readonly IpAddress One = IpAddress.Parse("192.0.2.1");

    [Fact]
    public void Who_makes_us_try_in_vain_gets_fewer_tries_and_in_time_as_many_as_before()
    {
        var trials = new KeyTrials();
        var now = new Instant(1_000_000_000);
        Assert.Equal(KeyTrials.Most, trials.Allowed(now, One));
        var tried = 0;
        for (var message = 0; message < 1000; message++)
        {
            var keys = trials.Allowed(now, One);
            trials.Spend(now, One, keys);
            tried += keys;
        }
        // Eight whole lists at once, and then a few keys a message.
        Assert.InRange(tried, 8 * KeyTrials.Most, 8 * KeyTrials.Most + 1000 * KeyTrials.Few);
        Assert.Equal(KeyTrials.Few, trials.Allowed(now, One));
        Assert.Equal(KeyTrials.Most, trials.Allowed(now, IpAddress.Parse("192.0.2.2")));
        Assert.Equal(KeyTrials.Most, trials.Allowed(now + TimeSpan.FromMinutes(1), One));
    }

    [Fact]
    public void A_host_is_its_whole_64_and_many_hosts_are_not_more_than_all()
    {
        var trials = new KeyTrials();
        var now = new Instant(1_000_000_000);
        for (var i = 0; i < 8; i++)
            trials.Spend(now, IpAddress.Parse($"2001:db8::{i + 1:x}"), KeyTrials.Most);
        Assert.Equal(KeyTrials.Few, trials.Allowed(now, IpAddress.Parse("2001:db8::ffff")));
        for (uint host = 0; host < 5000; host++)
            trials.Spend(now, IpAddress.V4(0xC6120000 + host), KeyTrials.Most);
        Assert.Equal(KeyTrials.Few, trials.Allowed(now, IpAddress.Parse("203.0.113.5")));
        Assert.Equal(KeyTrials.Most, trials.Allowed(now + TimeSpan.FromHours(1), IpAddress.Parse("203.0.113.5")));
    }
}
