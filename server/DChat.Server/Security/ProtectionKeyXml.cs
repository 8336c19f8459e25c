using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace DChat.Server.Security;

/// <summary>A Data Protection key in the framework's own form, made without giving it to a node's key ring.</summary>
internal static class ProtectionKeyXml
{
    /// <returns>The key's id and its XML, not wrapped.</returns>
    public static (string KeyId, byte[] Xml) Create(DateTimeOffset activates, DateTimeOffset expires)
    {
        var captured = new CapturingRepository();
        using var services = new ServiceCollection()
            .AddDataProtection().Services
            .Configure<KeyManagementOptions>(keys =>
            {
                keys.XmlRepository = captured;
                keys.XmlEncryptor = null;
            })
            .BuildServiceProvider();
        var key = services.GetRequiredService<IKeyManager>().CreateNewKey(activates, expires);
        return (key.KeyId.ToString("N"), Encoding.UTF8.GetBytes(captured.Element!.ToString(SaveOptions.DisableFormatting)));
    }

    public static XElement Read(byte[] xml) => XElement.Parse(Encoding.UTF8.GetString(xml));

    private sealed class CapturingRepository : IXmlRepository
    {
        public XElement? Element { get; private set; }

        public IReadOnlyCollection<XElement> GetAllElements() => [];

        public void StoreElement(XElement element, string friendlyName) => Element = element;
    }
}
